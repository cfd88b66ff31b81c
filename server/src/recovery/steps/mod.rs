//! The steps of runs, one file each: "look, then ensure".
//!
//! A step may be executed twice, by two nodes, with a crash anywhere in between. So it looks at the world before it
//! acts, writes down what a later attempt must know, and is green only when the result was read back.
//! How to add one: `docs/add-a-step.md`.

mod catch_up;
mod cleanup_source;
mod compare;
mod convert;
mod create;
mod delay;
mod finish;
pub mod health;
mod hold_replication;
mod lock_source;
mod migrate;
mod promote;
mod prompt;
mod put_back;
mod ready;
pub mod script;
mod set_aside;
mod start;
mod steer;
mod stop_source;
mod sync;
mod undo_convert;
mod undo_migrate;
mod undo_replication;
mod undo_source;
mod undo_target;

use super::{
    context::Context,
    journal::Lost,
    spec::{Action, Facts},
};
use crate::clouds::error as cloud;
use model::Severity;
use std::time::Duration;

/// How a step ended well.
pub enum End {
    /// With what was observed, in words and for later steps.
    Done { message: String, facts: Box<Facts> },
    /// A person has to answer before the run goes on.
    Ask { message: String },
}

/// How it did not.
#[derive(Debug)]
pub enum Halt {
    Lost(Lost),
    /// Somebody wanted it to end; whatever it began is looked at by what comes next.
    Interrupted,
    Failed {
        message: String,
        /// The same again may succeed without anybody doing something.
        heals: bool,
    },
}

impl Halt {
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), heals: false }
    }
    pub fn heals(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), heals: true }
    }
}

impl From<Lost> for Halt {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

impl From<cloud::Error> for Halt {
    fn from(e: cloud::Error) -> Self {
        Self::Failed { heals: e.may_heal(), message: e.message }
    }
}

impl From<crate::replication::Error> for Halt {
    fn from(e: crate::replication::Error) -> Self {
        Self::Failed { heals: e.may_heal(), message: e.to_string() }
    }
}

impl From<sqlx::Error> for Halt {
    fn from(e: sqlx::Error) -> Self {
        Self::heals(format!("The store: {e}"))
    }
}

pub fn done(message: impl Into<String>, facts: Facts) -> Result<End, Halt> {
    Ok(End::Done { message: message.into(), facts: Box::new(facts) })
}

/// Pauses between tries of a step that may heal by itself; after the last one somebody decides.
const PAUSES: [Duration; 3] = [Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(3)];

/// Does the step, again when that may help.
pub async fn run(ctx: &Context) -> Result<End, Halt> {
    for pause in PAUSES {
        match once(ctx).await {
            Err(Halt::Failed { message, heals: true }) => {
                ctx.say(Severity::Warning, &format!("{message} Trying again.")).await?;
                ctx.sleep(pause).await?;
            }
            other => return other,
        }
    }
    once(ctx).await
}

async fn once(ctx: &Context) -> Result<End, Halt> {
    let Some(action) = &ctx.action else {
        return Err(Halt::failed("This step was written by a newer version of Crossfade. Run that version."));
    };
    match action {
        Action::HoldReplication => hold_replication::run(ctx).await,
        Action::Ready => ready::run(ctx).await,
        Action::SetAside => set_aside::run(ctx).await,
        Action::Sync { phase, older_ok } => sync::run(ctx, *phase, *older_ok).await,
        Action::StopSource { grace_seconds, unproved_ok } => stop_source::run(ctx, *grace_seconds, *unproved_ok).await,
        Action::Convert { timeout_seconds } => convert::run(ctx, *timeout_seconds).await,
        Action::Create => create::run(ctx).await,
        Action::CatchUp => catch_up::run(ctx).await,
        Action::Migrate => migrate::run(ctx).await,
        Action::Promote => promote::run(ctx).await,
        Action::Start => start::run(ctx).await,
        Action::Health { check, timeout_seconds } => health::run(ctx, check, *timeout_seconds).await,
        Action::Compare => compare::run(ctx).await,
        Action::Steer { address, mechanism, probe, network } => steer::run(ctx, address, mechanism, probe, network.as_deref()).await,
        Action::PutBack { grace_seconds } => put_back::run(ctx, *grace_seconds).await,
        Action::LockSource => lock_source::run(ctx).await,
        Action::CleanupSource { keep_hours } => cleanup_source::run(ctx, *keep_hours).await,
        Action::Delay { seconds } => delay::run(ctx, *seconds).await,
        Action::Prompt { question } => prompt::run(question),
        Action::Script { program, args, timeout_seconds } => script::run(ctx, program, args, *timeout_seconds).await,
        Action::Finish => finish::run(ctx).await,
        Action::UndoTarget => undo_target::run(ctx).await,
        Action::UndoConvert => undo_convert::run(ctx).await,
        Action::UndoSource { grace_seconds } => undo_source::run(ctx, *grace_seconds).await,
        Action::UndoMigrate => undo_migrate::run(ctx).await,
        Action::UndoReplication => undo_replication::run(ctx).await,
    }
}

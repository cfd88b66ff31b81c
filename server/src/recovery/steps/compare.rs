//! Compares the machine that runs at the target with what it was when its recovery point was taken. Touches nothing; what
//! differs is a warning of the run.

use super::{End, Halt, done};
use crate::{
    clouds::guard::SHORT,
    recovery::{
        context::Context,
        deadline::Deadline,
        identity::{Comparison, compare},
        look::TICK,
        readdress,
        spec::Facts,
    },
    store::points,
};
use std::time::Duration;

/// A cloud learns the addresses of a guest a little later than somebody who asks the guest.
const PATIENCE: Duration = Duration::from_secs(10);

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let (subject, facts) = (ctx.subject()?, ctx.facts());
    let native_id = facts.native_id.ok_or_else(|| Halt::failed("The machine at the target was not made yet."))?;
    let point = match &facts.point_id {
        Some(id) => points::get(&ctx.node.db, id).await?,
        None => None,
    };
    let Some(point) = point else {
        return done("Its recovery point is gone: there is nothing to compare with.", Facts::default());
    };
    let guard = ctx.cloud(&subject.target.cloud_id)?;
    let meant = readdress::apply(&point.spec, &subject.networks);
    let deadline = Deadline::after(PATIENCE);
    loop {
        let seen = guard.run("one", SHORT, guard.cloud().inventory().one(&native_id)).await?;
        let seen = seen.ok_or_else(|| Halt::failed(format!("{} is not at {} any more.", subject.name, guard.name)))?;
        let found = compare(&meant.spec, &seen);
        if found.unseen.is_empty() || deadline.is_over() {
            return tell(&subject.name, &found, &meant.changes);
        }
        ctx.sleep(TICK).await?;
    }
}

/// `changes`: what was to become another.
fn tell(name: &str, found: &Comparison, changes: &[String]) -> Result<End, Halt> {
    let same = match changes {
        [] => format!("As it was: {}.", found.same.join(", ")),
        some => format!("As it was to be, with {}: {}.", some.join(", "), found.same.join(", ")),
    };
    let unseen = match found.unseen.as_slice() {
        [] => String::new(),
        some => format!(" Not seen by its cloud yet: {}.", some.join(", ")),
    };
    if found.differs.is_empty() {
        return done(format!("{same}{unseen}"), Facts::default());
    }
    let differs = format!("{name} is not what it was: {}.", found.differs.join("; "));
    done(format!("{differs} {same}{unseen}"), Facts { warning: Some(differs), ..Facts::default() })
}

//! `crossfade run`.

use super::{
    client::{Client, Failure, Result},
    output::{Out, span, table, time, word},
};
use crate::state::now;
use clap::Subcommand;
use model::run::{Run, RunCommand, RunDetail, RunState, StepState};
use std::{collections::HashMap, time::Duration};

#[derive(Subcommand)]
pub enum Command {
    /// Runs, newest first
    List {
        /// Only those under way
        #[arg(long)]
        active: bool,
    },
    /// One run with its steps
    Show {
        run: String,
    },
    /// Follow a run to its end; exit code 0 only when it succeeded
    Watch {
        run: String,
    },
    /// End it; before cutover nothing has changed
    Cancel {
        run: String,
    },
    Pause {
        run: String,
    },
    Resume {
        run: String,
    },
    /// Do a failed step again
    Retry {
        run: String,
        step: String,
    },
    /// Go on without a step
    Skip {
        run: String,
        step: String,
        #[arg(long)]
        reason: String,
    },
    /// Answer a prompt
    Answer {
        run: String,
        step: String,
        /// Do not go on
        #[arg(long)]
        stop: bool,
        #[arg(long, default_value = "")]
        comment: String,
    },
}

pub async fn run(command: Command, api: &Client, out: Out) -> Result<()> {
    match command {
        Command::List { active } => {
            let path = if active { "/runs?state=active" } else { "/runs" };
            out.show(&api.all::<Run>(path).await?, |all| list(all))
        }
        Command::Show { run } => out.show(&detail(api, &run).await?, show),
        Command::Watch { run } => watch(api, out, &run).await,
        Command::Cancel { run } => tell(api, out, &run, RunCommand::Cancel).await,
        Command::Pause { run } => tell(api, out, &run, RunCommand::Pause).await,
        Command::Resume { run } => tell(api, out, &run, RunCommand::Resume).await,
        Command::Retry { run, step } => tell(api, out, &run, RunCommand::RetryStep { step }).await,
        Command::Skip { run, step, reason } => tell(api, out, &run, RunCommand::SkipStep { step, reason }).await,
        Command::Answer { run, step, stop, comment } => tell(api, out, &run, RunCommand::Answer { step, proceed: !stop, comment }).await,
    }
}

async fn detail(api: &Client, run: &str) -> Result<RunDetail> {
    api.get(&format!("/runs/{run}")).await
}

async fn tell(api: &Client, out: Out, run: &str, command: RunCommand) -> Result<()> {
    let detail: RunDetail = api.post(&format!("/runs/{run}/commands"), &command).await?;
    out.show(&detail, |d| format!("{} is {}.", d.run.title, word(&d.run.state)))
}

/// Prints each change of a step once.
pub async fn watch(api: &Client, out: Out, run: &str) -> Result<()> {
    let mut seen: HashMap<String, (StepState, Option<String>)> = HashMap::new();
    let mut was = None;
    loop {
        let detail = detail(api, run).await?;
        for step in &detail.steps {
            let now = (step.state, step.message.clone());
            if step.state != StepState::Pending && seen.insert(step.key.clone(), now.clone()).as_ref() != Some(&now) {
                out.say(format!(
                    "{:>8}  {:<10} {}  {}",
                    clock(&detail.run),
                    word(&step.state),
                    step.title,
                    step.message.clone().unwrap_or_default()
                ));
            }
        }
        let state = detail.run.state;
        if state.is_over() {
            out.show(&detail, |d| over(&d.run))?;
            let good = matches!(state, RunState::Succeeded | RunState::SucceededWithErrors);
            return if good { Ok(()) } else { Err(Failure::failed(format!("The run is {}.", word(&state)))) };
        }
        if was.replace(state) != Some(state) && matches!(state, RunState::Waiting | RunState::Paused) {
            out.say(format!("{:>8}  {}  {}", clock(&detail.run), word(&state), detail.run.message.clone().unwrap_or_default()));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn clock(run: &Run) -> String {
    let from = run.started_at.unwrap_or(run.created_at);
    format!("{:.1} s", (run.finished_at.unwrap_or_else(now) - from).max(0) as f64 / 1000.0)
}

fn over(run: &Run) -> String {
    let seconds = |ms: Option<u64>| ms.map_or("not observed".into(), |ms| format!("{:.1} s", ms as f64 / 1000.0));
    let observed = run.outcome.as_ref().map(|o| match o.downtime_ms {
        Some(_) => format!("not answering for {}", seconds(o.downtime_ms)),
        None => format!("recovery time {}, data loss {}", seconds(o.rta_ms), seconds(o.rpa_ms)),
    });
    let message = run.message.as_ref().map(|m| format!(". {m}")).unwrap_or_default();
    format!("{}: {} after {}{}{message}", run.title, word(&run.state), clock(run), observed.map(|o| format!(", {o}")).unwrap_or_default())
}

fn list(all: &[Run]) -> String {
    table(["id", "what", "state", "steps", "began", "took", "by"], all, |r| {
        let took = r.started_at.map(|s| span(r.finished_at.unwrap_or_else(now) - s)).unwrap_or_default();
        [
            r.id.clone(),
            r.title.clone(),
            word(&r.state),
            format!("{}/{}", r.steps_done, r.steps_total),
            time(r.created_at),
            took,
            r.created_by.clone(),
        ]
    })
}

fn show(d: &RunDetail) -> String {
    let steps = table(["step", "what", "state", "try", "took", "message"], &d.steps, |s| {
        let took =
            s.started_at.map(|b| format!("{:.1} s", (s.finished_at.unwrap_or_else(now) - b).max(0) as f64 / 1000.0)).unwrap_or_default();
        [s.key.clone(), s.title.clone(), word(&s.state), s.attempt.to_string(), took, s.message.clone().unwrap_or_default()]
    });
    format!("{}\n\n{steps}", over(&d.run))
}

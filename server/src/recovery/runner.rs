//! Drives runs: claims those that nobody drives, and carries out what [`super::schedule`] decides.
//!
//! Any number of nodes run this on one store. A run belongs to the node that raised its epoch last; everything else
//! follows from the rows, so a node that takes over needs nothing from the one that died. It holds no policy: what
//! comes next is decided in `schedule`, how a step is done in `steps`.

use super::{
    compile,
    context::Context,
    journal::{Journal, Lost},
    lease::{Lease, millis},
    outcome,
    schedule::{self, Do},
    silent::Silent,
    spec::RunSpec,
    steps::{self, End, Halt},
    view,
};
use crate::{
    state::{Node, now},
    store::{
        runs::{self, Claim, RunRow},
        steps::{self as rows, StepRow},
    },
};
use model::{
    Id, Millis, Severity,
    run::{RunState, StepState},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Looks for runs without a driver until the node stops.
pub async fn watch(node: Node) {
    let mut driven: JoinSet<Id> = JoinSet::new();
    let mut ids: HashSet<Id> = HashSet::new();
    let mut voids = Voids::default();
    while !node.stopping.is_cancelled() {
        let free = runs::claimable(&node.db).await.unwrap_or_default().into_iter().map(|id| (id, None));
        for (id, void) in free.chain(voids.look(&node).await) {
            if !ids.contains(&id)
                && let Some(driver) = Driver::claim(&node, &id, void).await
            {
                ids.insert(id);
                driven.spawn(driver.drive());
            }
        }
        tokio::select! {
            () = node.stopping.cancelled() => {}
            () = node.recovery.woken() => {}
            () = tokio::time::sleep(node.recovery.timing.poll) => {}
            Some(ended) = driven.join_next() => match ended {
                Ok(id) => { ids.remove(&id); }
                Err(error) => {
                    tracing::error!(%error, "the driver of a run failed; it is taken over when its lease ends");
                    ids.clear();
                }
            },
        }
    }
    while driven.join_next().await.is_some() {}
}

/// Leases that end in a future that the clock no longer knows, with the time since which each was seen unchanged.
#[derive(Default)]
struct Voids(HashMap<(Id, Millis), Instant>);

impl Voids {
    /// Those that nobody has renewed for as long as a lease lasts.
    async fn look(&mut self, node: &Node) -> Vec<(Id, Option<Millis>)> {
        let lease = node.recovery.timing.lease;
        let Ok(seen) = runs::of_another_clock(&node.db, millis(lease)).await else { return vec![] };
        self.0.retain(|one, _| seen.contains(one));
        let mut stale = vec![];
        for (id, until) in seen {
            if self.0.entry((id.clone(), until)).or_insert_with(Instant::now).elapsed() > lease {
                stale.push((id, Some(until)));
            }
        }
        stale
    }
}

struct Driver {
    node: Node,
    journal: Arc<Journal>,
    spec: Arc<RunSpec>,
    /// Steps under way here, with what interrupts them.
    flying: HashMap<String, CancellationToken>,
    tasks: JoinSet<Result<(), Lost>>,
    by_task: HashMap<tokio::task::Id, String>,
    silent: Arc<Silent>,
}

impl Driver {
    async fn claim(node: &Node, id: &str, void: Option<Millis>) -> Option<Self> {
        let sent = Instant::now();
        let timing = node.recovery.timing;
        let epoch = match runs::claim(&node.db, id, &node.name, millis(timing.lease), now(), void).await {
            Ok(epoch) => epoch?,
            Err(error) => {
                tracing::warn!(run = id, %error, "the run could not be claimed");
                return None;
            }
        };
        let claim = Claim { run_id: id.to_owned(), owner: node.name.clone(), epoch };
        let lease = Arc::new(Lease::new(timing, sent));
        let journal = Arc::new(Journal::new(node.clone(), claim, lease));
        if epoch > 1 {
            journal.told_already().await;
        }
        let row = runs::get(&node.db, id).await.ok().flatten()?;
        let spec = serde_json::from_str(&row.spec).map_err(|error| tracing::error!(run = id, %error, "its spec cannot be read")).ok()?;
        let (flying, by_task) = (HashMap::new(), HashMap::new());
        Some(Self { node: node.clone(), journal, spec: Arc::new(spec), flying, tasks: JoinSet::new(), by_task, silent: Arc::default() })
    }

    async fn drive(mut self) -> Id {
        let id = self.journal.claim.run_id.clone();
        let journal = self.journal.clone();
        let node = self.node.clone();
        tokio::select! {
            () = journal.lease.keep(&node.db, &journal.claim) => tracing::warn!(run = %id, "the lease was lost, the run is left alone"),
            () = node.stopping.cancelled() => {
                self.tasks.shutdown().await;
                if let Err(error) = runs::release(&node.db, &journal.claim).await {
                    tracing::debug!(run = %id, %error, "the run could not be given back; its lease runs out");
                }
            }
            ended = self.work() => if ended.is_err() { tracing::warn!(run = %id, "the run is driven by another node now") },
        }
        // Dropping the tasks ends every step under way.
        id
    }

    async fn work(&mut self) -> Result<(), Lost> {
        if self.journal.claim.epoch > 1 {
            let text = format!("{} took the run over and looks at what was done.", self.node.name);
            self.journal.say(None, Severity::Warning, &text).await?;
        }
        loop {
            let (run, steps) = self.load().await?;
            if view::state(&run).is_over() {
                return Ok(());
            }
            let flying = self.flying.keys().cloned().collect();
            let decided = schedule::next(&view::view(&run, &steps, &flying));
            let mut changed = false;
            for d in &decided {
                changed |= self.carry_out(d, &run, &steps).await?;
            }
            if !changed {
                self.wait().await?;
            }
        }
    }

    async fn load(&self) -> Result<(RunRow, Vec<StepRow>), Lost> {
        let id = &self.journal.claim.run_id;
        loop {
            match (runs::get(&self.node.db, id).await, rows::of_run(&self.node.db, id).await) {
                (Ok(Some(run)), Ok(steps)) => return Ok((run, steps)),
                (Ok(None), _) => return Err(Lost),
                (Err(error), _) | (_, Err(error)) => tracing::warn!(run = %id, %error, "the store does not answer"),
            }
            if !self.journal.lease.alive() {
                return Err(Lost);
            }
            tokio::time::sleep(self.node.recovery.timing.poll).await;
        }
    }

    async fn wait(&mut self) -> Result<(), Lost> {
        tokio::select! {
            Some(ended) = self.tasks.join_next_with_id() => return self.landed(ended).await,
            () = self.node.recovery.woken() => {}
            () = tokio::time::sleep(self.node.recovery.timing.poll) => {}
        }
        self.journal.tell_events().await;
        Ok(())
    }

    async fn landed(&mut self, ended: Result<(tokio::task::Id, Result<(), Lost>), tokio::task::JoinError>) -> Result<(), Lost> {
        let (task, result) = match ended {
            Ok((task, result)) => (task, result),
            // Only the end of the whole driver cancels a task: nothing is known about the step.
            Err(error) if error.is_cancelled() => return Err(Lost),
            Err(error) => {
                let key = self.by_task.get(&error.id()).cloned().unwrap_or_default();
                let text = format!("A fault of this program ended the step: {error}. Retry it; the node's log has more.");
                self.journal.settle(&key, StepState::Failed.as_str(), &text, None, Severity::Critical).await?;
                (error.id(), Ok(()))
            }
        };
        if let Some(key) = self.by_task.remove(&task) {
            self.flying.remove(&key);
        }
        result
    }

    /// Answers whether something changed, so that there may be more to decide.
    async fn carry_out(&mut self, decided: &Do, run: &RunRow, steps: &[StepRow]) -> Result<bool, Lost> {
        match decided {
            Do::Start(key) => return self.start(key, run, steps).await,
            Do::Interrupt(key) => {
                if let Some(flight) = self.flying.get(key) {
                    flight.cancel();
                }
                return Ok(false);
            }
            Do::Settle { key, state, message } => {
                let severity = if *state == StepState::Succeeded { Severity::Info } else { Severity::Warning };
                self.journal.settle(key, state.as_str(), message, None, severity).await?;
            }
            Do::Reopen { .. } => self.journal.reopen(decided).await?,
            Do::Unwind => self.journal.unwind(&compile::undo(&self.spec, steps)).await?,
            Do::State(state, message) => self.journal.state(state.as_str(), message.as_deref()).await?,
            Do::Finish(state, message) => self.finish(*state, message.clone(), run, steps).await?,
        }
        Ok(true)
    }

    async fn start(&mut self, key: &str, run: &RunRow, steps: &[StepRow]) -> Result<bool, Lost> {
        let Some(step) = steps.iter().find(|s| s.key == key) else { return Ok(false) };
        let again = view::step_state(step) == StepState::Running;
        let event = if again { format!("{}: looking at what was done, then going on", step.title) } else { step.title.clone() };
        if !self.journal.begin(key, &event).await? {
            return Ok(false);
        }
        let interrupted = CancellationToken::new();
        self.flying.insert(key.to_owned(), interrupted.clone());
        let context = Context::new(self.journal.clone(), self.spec.clone(), run, step, steps, interrupted, self.silent.clone());
        let span = tracing::info_span!("step", run = %run.id, step = key);
        let task = self.tasks.spawn(perform(context).instrument(span));
        self.by_task.insert(task.id(), key.to_owned());
        Ok(true)
    }

    async fn finish(&self, state: RunState, message: Option<String>, run: &RunRow, steps: &[StepRow]) -> Result<(), Lost> {
        let outcome = outcome::observed(&self.spec, run, steps, now());
        let (severity, text) = outcome::in_words(state, message.as_deref(), &outcome, &outcome::left(steps));
        self.journal.finish(state.as_str(), message.as_deref(), &outcome, severity, &text).await
    }
}

/// Does one step and writes down what came of it.
async fn perform(context: Context) -> Result<(), Lost> {
    let key = context.key.clone();
    let journal = context.journal.clone();
    match steps::run(&context).await {
        Ok(End::Done { message, facts }) => {
            let severity = if facts.warning.is_some() { Severity::Warning } else { Severity::Info };
            let facts = serde_json::json!(facts).to_string();
            journal.settle(&key, StepState::Succeeded.as_str(), &message, Some(&facts), severity).await
        }
        Ok(End::Ask { message }) => journal.settle(&key, StepState::Waiting.as_str(), &message, None, Severity::Warning).await,
        Err(Halt::Failed { message, .. }) => journal.settle(&key, StepState::Failed.as_str(), &message, None, Severity::Critical).await,
        // The row stays as it is: who interrupted it writes what it comes to.
        Err(Halt::Interrupted) => Ok(()),
        Err(Halt::Lost(lost)) => Err(lost),
    }
}

//! What a step works with: its machine, what earlier steps observed, and the journal.

use super::{
    journal::{Journal, Lost},
    silent::Silent,
    spec::{Action, Facts, RunSpec, Subject},
    steps::Halt,
    view,
};
use crate::{
    clouds::guard::Guard,
    state::Node,
    store::{runs::RunRow, steps::StepRow},
};
use model::{Id, Millis, Severity, Transfer};
use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

pub struct Context {
    pub node: Node,
    pub journal: Arc<Journal>,
    pub spec: Arc<RunSpec>,
    pub run_id: Id,
    pub created_at: Millis,
    pub statement: Option<String>,
    pub title: String,
    pub key: String,
    pub action: Option<Action>,
    pub interrupted: CancellationToken,
    pub silent: Arc<Silent>,
    label: Option<String>,
    known: HashMap<String, Facts>,
    handle: Mutex<Facts>,
}

impl Context {
    pub fn new(
        journal: Arc<Journal>,
        spec: Arc<RunSpec>,
        run: &RunRow,
        step: &StepRow,
        steps: &[StepRow],
        interrupted: CancellationToken,
        silent: Arc<Silent>,
    ) -> Self {
        Self {
            node: journal.node.clone(),
            journal,
            spec,
            run_id: run.id.clone(),
            created_at: run.created_at,
            statement: run.statement.clone(),
            title: run.title.clone(),
            key: step.key.clone(),
            action: view::action(step),
            interrupted,
            silent,
            label: step.machine.clone(),
            known: known(steps),
            handle: Mutex::new(view::facts(step)),
        }
    }

    /// The machine that the step is about.
    pub fn subject(&self) -> Result<&Subject, Halt> {
        let label = self.label.as_deref().unwrap_or_default();
        self.spec.subject(label).ok_or_else(|| Halt::failed(format!("The run has no machine '{label}'.")))
    }

    /// All that the steps of its machine have observed so far, this one included.
    pub fn facts(&self) -> Facts {
        let mut facts = self.label.as_ref().and_then(|l| self.known.get(l)).cloned().unwrap_or_default();
        facts.merge(&self.own());
        facts
    }

    /// What the steps of another machine of the run have observed.
    pub fn facts_of(&self, label: &str) -> Facts {
        self.known.get(label).cloned().unwrap_or_default()
    }

    /// What earlier attempts of this very step wrote down.
    pub fn own(&self) -> Facts {
        self.handle.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes down what a later attempt must know. Durable when it returns.
    pub async fn note(&self, facts: Facts) -> Result<(), Lost> {
        let mut own = self.own();
        own.merge(&facts);
        self.journal.handle(&self.key, &serde_json::json!(own).to_string()).await?;
        *self.handle.lock().unwrap_or_else(PoisonError::into_inner) = own;
        Ok(())
    }

    pub async fn say(&self, severity: Severity, text: &str) -> Result<(), Lost> {
        self.journal.say(Some(&self.key), severity, text).await
    }

    pub async fn progress(&self, transfer: Transfer) {
        self.journal.transfer(&self.key, transfer).await;
    }

    pub fn cloud(&self, id: &str) -> Result<Arc<Guard>, Halt> {
        let lacking = || Halt::heals("This node is not connected to the cloud of this machine. Look at it under Clouds.");
        self.node.clouds.get(id).ok_or_else(lacking)
    }

    /// Goes into the cloud's own names and tags; the same for every attempt.
    pub fn token(&self) -> String {
        format!("{}.{}", self.run_id, self.key)
    }

    /// The same of another step of its machine.
    pub fn token_of(&self, verb: &str) -> Result<String, Halt> {
        Ok(format!("{}.{}.{verb}", self.run_id, self.subject()?.label))
    }

    /// The member under replication: from the spec, or from the step that adopted the machine.
    pub fn member(&self) -> Result<Id, Halt> {
        let known = self.subject()?.member_id.clone().or(self.facts().member_id);
        known.ok_or_else(|| Halt::failed("Replication of this machine was not taken over yet."))
    }

    pub fn lineage(&self) -> Result<Id, Halt> {
        let known = self.subject()?.lineage.clone().or(self.facts().lineage);
        known.ok_or_else(|| Halt::failed("Replication of this machine was not taken over yet."))
    }

    /// Waits, unless somebody wants the step to end.
    pub async fn sleep(&self, time: Duration) -> Result<(), Halt> {
        self.unless_interrupted(tokio::time::sleep(time)).await
    }

    /// Drops the work when somebody wants the step to end: only for work that may be dropped at any point.
    pub async fn unless_interrupted<T>(&self, work: impl Future<Output = T>) -> Result<T, Halt> {
        tokio::select! {
            biased;
            () = self.interrupted.cancelled() => Err(Halt::Interrupted),
            done = work => Ok(done),
        }
    }
}

fn known(steps: &[StepRow]) -> HashMap<String, Facts> {
    let mut known: HashMap<String, Facts> = HashMap::new();
    for step in steps {
        if let Some(label) = &step.machine {
            known.entry(label.clone()).or_default().merge(&view::facts(step));
        }
    }
    known
}

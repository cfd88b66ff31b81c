//! Everything that the driver of a run writes down: under its claim, again until it is stored or the lease is lost,
//! and told to the screens.

use super::{lease::Lease, schedule::Do, spec::Planned, view};
use crate::{
    state::{Node, now},
    store::{StoreResult, runs, runs::Claim, steps},
};
use model::{Millis, Severity, Transfer, live::Topic, run::Outcome};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// Somebody else drives the run now, or nobody can tell: stop at once, write nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lease of the run was lost")]
pub struct Lost;

pub struct Journal {
    pub node: Node,
    pub claim: Claim,
    pub lease: Arc<Lease>,
    told: AtomicI64,
}

impl Journal {
    pub fn new(node: Node, claim: Claim, lease: Arc<Lease>) -> Self {
        Self { node, claim, lease, told: AtomicI64::new(0) }
    }

    /// Stored when it returns well.
    pub async fn write<F>(&self, op: impl Fn() -> F) -> Result<(), Lost>
    where
        F: Future<Output = StoreResult<bool>>,
    {
        if self.try_write(op).await? { Ok(()) } else { Err(Lost) }
    }

    /// `false`: the claim or the operation's own condition did not hold.
    async fn try_write<F>(&self, op: impl Fn() -> F) -> Result<bool, Lost>
    where
        F: Future<Output = StoreResult<bool>>,
    {
        while self.lease.alive() {
            match op().await {
                Ok(done) => {
                    if done {
                        self.node.recovery.wrote().await;
                    }
                    return Ok(done);
                }
                Err(error) => tracing::warn!(run = %self.claim.run_id, %error, "the store did not take a write, trying again"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(Lost)
    }

    /// `false`: the run is to be cancelled, its cutover must not begin.
    pub async fn begin(&self, key: &str, event: &str) -> Result<bool, Lost> {
        let begun = self.try_write(|| steps::begin(&self.node.db, &self.claim, key, now(), event)).await?;
        self.tell(Some(key)).await;
        if !begun {
            // Lost, or cancelled? The claim alone tells.
            self.write(|| runs::holds(&self.node.db, &self.claim)).await?;
        }
        Ok(begun)
    }

    pub async fn settle(&self, key: &str, state: &str, message: &str, result: Option<&str>, severity: Severity) -> Result<(), Lost> {
        let at = now();
        self.write(|| async {
            steps::settle(&self.node.db, &self.claim, &steps::Settled { key, state, message, result, severity, at }).await
        })
        .await?;
        self.tell(Some(key)).await;
        Ok(())
    }

    pub async fn handle(&self, key: &str, handle: &str) -> Result<(), Lost> {
        self.write(|| steps::set_handle(&self.node.db, &self.claim, key, handle)).await
    }

    /// Bytes on their way. Not worth stopping for: a write that fails is made up for by the next.
    pub async fn transfer(&self, key: &str, transfer: Transfer) {
        let text = serde_json::json!(transfer).to_string();
        if let Err(error) = steps::set_transfer(&self.node.db, &self.claim, key, &text).await {
            tracing::debug!(run = %self.claim.run_id, %error, "progress not stored");
        }
        self.tell(Some(key)).await;
    }

    pub async fn say(&self, step: Option<&str>, severity: Severity, text: &str) -> Result<(), Lost> {
        self.write(|| steps::event(&self.node.db, &self.claim, step, severity, text, now())).await?;
        self.tell(None).await;
        Ok(())
    }

    pub async fn reopen(&self, decided: &Do) -> Result<(), Lost> {
        let Do::Reopen { key, skipped, by } = decided else { return Ok(()) };
        let event = format!("{by} asked for another try.");
        self.write(|| steps::reopen(&self.node.db, &self.claim, key, skipped, now(), &event)).await?;
        for key in skipped.iter().chain([key]) {
            self.tell(Some(key)).await;
        }
        Ok(())
    }

    pub async fn unwind(&self, undo: &[Planned]) -> Result<(), Lost> {
        let undo: Vec<steps::NewStep> = undo.iter().map(Planned::to_row).collect();
        self.write(|| steps::unwind(&self.node.db, &self.claim, &undo, now())).await?;
        for step in steps::of_run(&self.node.db, &self.claim.run_id).await.unwrap_or_default() {
            self.node.live.publish(Topic::Step, &self.claim.run_id, &view::step(&step));
        }
        self.tell(None).await;
        Ok(())
    }

    pub async fn state(&self, state: &str, message: Option<&str>) -> Result<(), Lost> {
        self.write(|| runs::set_state(&self.node.db, &self.claim, state, message)).await?;
        self.tell(None).await;
        Ok(())
    }

    pub async fn finish(&self, state: &str, message: Option<&str>, outcome: &Outcome, severity: Severity, text: &str) -> Result<(), Lost> {
        let outcome = serde_json::json!(outcome).to_string();
        let at: Millis = now();
        self.write(|| runs::finish(&self.node.db, &self.claim, state, message, Some(&outcome), (severity, text), at)).await?;
        self.tell(None).await;
        Ok(())
    }

    /// Tells the screens: the step, all new events, the run. What cannot be read now is told the next time.
    pub async fn tell(&self, key: Option<&str>) {
        let (node, id) = (&self.node, &self.claim.run_id);
        if let Some(key) = key
            && let Ok(Some(row)) = steps::get(&node.db, id, key).await
        {
            node.live.publish(Topic::Step, id, &view::step(&row));
        }
        self.tell_events().await;
        if let Ok(Some(row)) = runs::get(&node.db, id).await {
            node.live.publish(Topic::Run, id, &view::run(&row));
        }
    }

    /// What earlier drivers told is not news.
    pub async fn told_already(&self) {
        if let Ok(last) = steps::last_event(&self.node.db, &self.claim.run_id).await {
            self.told.store(last, Ordering::Relaxed);
        }
    }

    /// Also what others wrote: the commands of people come in by any node.
    pub async fn tell_events(&self) {
        let (node, id) = (&self.node, &self.claim.run_id);
        for row in steps::events(&node.db, id, self.told.load(Ordering::Relaxed), 200).await.unwrap_or_default() {
            if self.told.fetch_max(row.seq, Ordering::Relaxed) < row.seq {
                node.live.publish(Topic::RunEvent, id, &view::event(&row));
            }
        }
    }
}

impl Planned {
    pub fn to_row(&self) -> steps::NewStep {
        steps::NewStep {
            key: self.key.clone(),
            kind: self.action.kind().into(),
            title: self.title.clone(),
            machine: self.machine.clone(),
            priority: self.priority,
            params: serde_json::json!(self.action).to_string(),
            on_error: self.on_error.as_str(),
            needs: self.needs.clone(),
            after: self.after.clone(),
            cutover: self.action.is_cutover(),
        }
    }
}

//! One node at a time runs a member's cycle.
//!
//! The store's lease gives liveness: it is renewed while a cycle is under way, and a node that died over one is
//! followed by another when it ends. The epoch gives safety: every write of a cycle carries it. A node that stalls
//! stops by its own clock before the lease that it last *sent* for would end. A run that wants the member needs no
//! message: the next renewal is refused.

use super::error::{Error, Result};
use crate::{
    state::Node,
    store::{
        member_leases::{self, MemberClaim},
        members,
    },
};
use model::Id;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};

/// A run that takes the member over waits about so long for the cycle that another node has under way.
const HEARTBEAT: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(100);

/// The right to run one cycle.
pub struct Held {
    node: Node,
    pub claim: MemberClaim,
    held_by: Option<Id>,
    stop_at: Instant,
}

impl Held {
    /// `None`: another node is at it, or the member is in other hands than `held_by`.
    ///
    /// # Errors
    /// Of the store.
    pub async fn claim(node: &Node, member_id: &str, held_by: Option<&Id>) -> Result<Option<Self>> {
        let timing = node.recovery.timing;
        let sent = Instant::now();
        let claim = member_leases::claim(&node.db, member_id, &node.name, held_by.map(String::as_str), millis(timing.lease)).await?;
        let stop_at = sent + timing.lease - timing.margin;
        Ok(claim.map(|claim| Self { node: node.clone(), claim, held_by: held_by.cloned(), stop_at }))
    }

    /// Waits for its turn, in whosever hands the member is.
    ///
    /// # Errors
    /// Of the store, or the member is gone.
    pub async fn wait(node: &Node, member_id: &str) -> Result<Self> {
        loop {
            let gone = || Error::NotFound("There is no such member of a protection group.".into());
            let member = members::get(&node.db, member_id).await?.ok_or_else(gone)?;
            if let Some(held) = Self::claim(node, member_id, member.held_by.as_ref()).await? {
                return Ok(held);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Does the work while the lease is renewed, and gives it back.
    ///
    /// # Errors
    /// `Lost` when it was; the work is dropped then, as if the node had died over it.
    pub async fn during<T>(mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let outcome = tokio::select! {
            biased;
            () = self.keep() => Err(Error::Lost),
            done = work => done,
        };
        if let Err(error) = member_leases::release(&self.node.db, &self.claim).await {
            tracing::debug!(member = %self.claim.member_id, %error, "the lease of a member runs out by itself");
        }
        outcome
    }

    /// Returns when the lease is lost.
    async fn keep(&mut self) {
        let timing = self.node.recovery.timing;
        loop {
            let next = Instant::now() + timing.heartbeat.min(HEARTBEAT);
            sleep_until(next.min(self.stop_at)).await;
            let sent = Instant::now();
            let renewal = member_leases::renew(&self.node.db, &self.claim, self.held_by.as_deref(), millis(timing.lease));
            match timeout_at(self.stop_at, renewal).await {
                Ok(Ok(true)) => self.stop_at = sent + timing.lease - timing.margin,
                Ok(Ok(false)) | Err(_) => return,
                Ok(Err(error)) => tracing::warn!(member = %self.claim.member_id, %error, "the lease of a member could not be renewed"),
            }
        }
    }
}

pub fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

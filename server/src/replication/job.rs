//! Everything that one cycle works with, looked up at its start.

use super::{
    error::{Error, Result},
    runtime::Slot,
};
use crate::{
    clouds::{DiskSink, DiskSource, Machines, error as cloud, guard::Guard},
    state::Node,
    store::{
        member_leases::MemberClaim,
        members::{self, StoredMember},
        work::{self, Work},
    },
};
use model::Transfer;
use std::{future::Future, sync::Arc, time::Duration};

pub struct Job {
    pub node: Node,
    pub member: StoredMember,
    pub work: Work,
    pub source: Arc<Guard>,
    pub target: Arc<Guard>,
    pub slot: Arc<Slot>,
    /// What every write of a cycle carries. Of nobody, where the job was loaded without one.
    pub claim: MemberClaim,
}

impl Job {
    /// For one cycle.
    ///
    /// # Errors
    /// See [`Self::load`].
    pub async fn under(claim: &MemberClaim, node: &Node, slot: Arc<Slot>) -> Result<Self> {
        Ok(Self { claim: claim.clone(), ..Self::load(node, &claim.member_id, slot).await? })
    }

    /// To look, or for what may be done at any time.
    ///
    /// # Errors
    /// The member, its machine or a cloud is gone.
    pub async fn load(node: &Node, member_id: &str, slot: Arc<Slot>) -> Result<Self> {
        let gone = || Error::NotFound("There is no such member of a protection group.".into());
        let member = members::get(&node.db, member_id).await?.ok_or_else(gone)?;
        let machine_gone = || Error::NotFound(format!("The machine {} is not known any more.", member.name));
        let work = work::get(&node.db, member_id).await?.ok_or_else(machine_gone)?;
        let source = open_cloud(node, &work.source_cloud_id)?;
        let target = open_cloud(node, &work.target_cloud_id)?;
        let claim = MemberClaim { member_id: member_id.to_owned(), owner: String::new(), epoch: 0 };
        Ok(Self { node: node.clone(), member, work, source, target, slot, claim })
    }

    pub fn disk_source(&self) -> Result<&dyn DiskSource> {
        Ok(self.source.cloud().disk_source().ok_or_else(|| cloud::Error::lacks("give recovery points of its machines"))?)
    }

    pub fn disk_sink(&self) -> Result<&dyn DiskSink> {
        Ok(self.target.cloud().disk_sink().ok_or_else(|| cloud::Error::lacks("keep recovery points"))?)
    }

    pub fn machines(&self) -> Result<&dyn Machines> {
        Ok(self.source.cloud().machines().ok_or_else(|| cloud::Error::lacks("describe its machines"))?)
    }

    /// Calls to the source under its limits.
    pub async fn at_source<T>(
        &self,
        op: &'static str,
        timeout: Duration,
        call: impl Future<Output = cloud::Result<T>> + Send,
    ) -> Result<T> {
        Ok(self.source.run(op, timeout, call).await?)
    }

    pub async fn at_target<T>(
        &self,
        op: &'static str,
        timeout: Duration,
        call: impl Future<Output = cloud::Result<T>> + Send,
    ) -> Result<T> {
        Ok(self.target.run(op, timeout, call).await?)
    }

    /// Shows the member with the bytes on their way.
    pub fn show(&self, transfer: Option<Transfer>) {
        self.slot.show(transfer);
        super::view::publish_as(&self.node, &self.member.shown(transfer));
    }
}

fn open_cloud(node: &Node, id: &str) -> Result<Arc<Guard>> {
    node.clouds.get(id).ok_or_else(|| cloud::Error::transient("The cloud is not connected yet.").into())
}

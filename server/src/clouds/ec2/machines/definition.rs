//! The definition that a machine came with, which no tag is long enough for: the first block of a snapshot of its own.
//!
//! A machine that moves back to its kind of cloud is what it was there, with its identity and virtual hardware.

use super::super::{
    blocks::{self, BLOCK, Tokens, View},
    link::Link,
    sink::{self, snapshots},
    tags::{self, KIND, LINEAGE, TOKEN, having, kind},
};
use crate::clouds::{MachineSpec, error::Result};
use aws_sdk_ec2::types::Snapshot;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;

pub async fn found(link: &Link, key: &str, value: &str) -> Result<Vec<Snapshot>> {
    snapshots::found(link, vec![having(KIND, kind::DEFINITION), having(key, value)]).await
}

/// One that is longer than a block is not kept: the machine is described by what is seen then.
pub async fn keep(link: &Link, token: &str, lineage: &str, spec: &MachineSpec) -> Result<()> {
    let text = serde_json::to_vec(spec).unwrap_or_default();
    if text.len() as u64 > BLOCK || found(link, TOKEN, token).await?.iter().any(snapshots::is_completed) {
        return Ok(());
    }
    let name = format!("crossfade definition of {}", spec.name);
    let notes = [(KIND, kind::DEFINITION), (TOKEN, token), (LINEAGE, lineage), (tags::NAME, &name)];
    let id = sink::start(link, BLOCK, None, &notes).await?;
    let mut block = text;
    block.resize(BLOCK as usize, b' ');
    let sum = blocks::put(&link.ebs().await?, &id, 0, Bytes::from(block)).await?;
    sink::complete(link, &id, 1, STANDARD.encode(blocks::sum(&sum))).await
}

/// `None`: there is none, or it cannot be read any more.
pub async fn read(link: &Link, token: &str) -> Result<Option<MachineSpec>> {
    for one in found(link, TOKEN, token).await?.iter().filter(|one| snapshots::is_completed(one)) {
        let id = one.snapshot_id().unwrap_or_default();
        if let Some(block) = Tokens::new(View::whole(id)).of(link, 0).await? {
            let block = blocks::get(&link.ebs().await?, id, 0, &block).await?;
            return Ok(serde_json::from_slice(&block).ok());
        }
    }
    Ok(None)
}

pub async fn delete(link: &Link, token: &str) -> Result<()> {
    for one in found(link, TOKEN, token).await? {
        snapshots::delete(link, one.snapshot_id().unwrap_or_default()).await?;
    }
    Ok(())
}

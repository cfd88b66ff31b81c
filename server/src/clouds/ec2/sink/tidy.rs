//! Removing what nobody needs: torn points, those without a row, and what a creation that was killed left.

use super::{
    super::{
        Ec2,
        link::Link,
        machines,
        tags::{KIND, LINEAGE, having, kind},
    },
    names::Point,
    snapshots,
};
use crate::clouds::error::Result;
use aws_sdk_ec2::types::Snapshot;

async fn family(link: &Link, lineage: &str) -> Result<Vec<Snapshot>> {
    snapshots::found(link, vec![having(KIND, kind::POINT), having(LINEAGE, lineage)]).await
}

pub async fn unfinished(link: &Link, lineage: &str) -> Result<()> {
    for id in snapshots::torn(&family(link, lineage).await?) {
        snapshots::delete(link, id).await?;
    }
    Ok(())
}

/// Each snapshot is whole by itself: what a kept one was made on top of may go.
pub async fn tidy(driver: &Ec2, lineage: &str, keep: &[Point]) -> Result<()> {
    let kept = |id: &str| keep.iter().any(|point| point.disks.iter().any(|disk| disk.snapshot == id));
    for id in family(&driver.link, lineage).await?.iter().filter_map(Snapshot::snapshot_id).filter(|id| !kept(id)) {
        snapshots::delete(&driver.link, id).await?;
    }
    machines::tidy(&driver.link, lineage).await
}

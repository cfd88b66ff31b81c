//! Volumes of EBS.

use super::super::{
    fault::look,
    link::Link,
    lock,
    tags::{self, filter},
};
use crate::clouds::error::Result;
use aws_sdk_ec2::types::{Filter, Instance, Volume};
use std::collections::BTreeMap;

/// So many values one filter may have.
const VALUES: usize = 200;

/// By id.
pub type Volumes = BTreeMap<String, Volume>;

/// Those that are attached, and those that a lock took away.
pub async fn of(link: &Link, instances: &[Instance]) -> Result<Volumes> {
    let ids: Vec<&str> = instances.iter().filter_map(Instance::instance_id).collect();
    let roots: Vec<String> = instances.iter().filter_map(lock::Root::of).map(|root| root.volume).collect();
    let attached = ids.chunks(VALUES).map(|some| found(link, vec![filter("attachment.instance-id", some.iter().copied())]));
    let taken = roots.chunks(VALUES).map(|some| found(link, vec![filter("volume-id", some.iter().cloned())]));
    let (attached, taken) = futures::try_join!(futures::future::try_join_all(attached), futures::future::try_join_all(taken))?;
    let all = attached.into_iter().chain(taken).flatten();
    Ok(all.filter_map(|volume| Some((volume.volume_id()?.to_owned(), volume))).collect())
}

pub async fn found(link: &Link, filters: Vec<Filter>) -> Result<Vec<Volume>> {
    let (ec2, mut all, mut next) = (link.ec2().await?, vec![], None);
    loop {
        let answer =
            look("volumes", ec2.describe_volumes().set_filters(Some(filters.clone())).max_results(500).set_next_token(next).send()).await?;
        next = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        all.extend(answer.volumes.unwrap_or_default());
        if next.is_none() {
            return Ok(all);
        }
    }
}

/// Whole GiB for so many bytes.
pub fn gib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 30).max(1)
}

/// Bytes of the disk: those that it was made for, unless somebody made the volume larger since.
pub fn bytes(volume: &Volume) -> u64 {
    let size = u64::try_from(volume.size().unwrap_or_default()).unwrap_or_default();
    let wanted = tags::get(volume.tags(), tags::BYTES).and_then(|text| text.parse().ok());
    wanted.filter(|bytes| gib(*bytes) == size).unwrap_or(size << 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_as_large_as_it_was_made_for() {
        let volume = |size: i32, wanted: &str| Volume::builder().size(size).tags(tags::tag(tags::BYTES, wanted)).build();
        assert_eq!(bytes(&volume(1, "67108864")), 64 << 20);
        assert_eq!(bytes(&volume(2, "67108864")), 2 << 30, "it was made larger");
        assert_eq!(bytes(&Volume::builder().size(8).build()), 8 << 30);
        assert_eq!((gib(0), gib(1 << 30), gib((1 << 30) + 1)), (1, 1, 2));
    }
}

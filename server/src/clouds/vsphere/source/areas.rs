//! What changed, in the words of changed block tracking, as extents.

use super::super::{
    link::{Link, Ref},
    qcow2::CLUSTER,
    xml::{Node, tag},
};
use crate::clouds::{
    Extent,
    error::{Error, Result},
};

/// Everything that was ever written.
pub const ALL: &str = "*";
/// More answers than any disk takes: a server that does not go forward must not hold anything up.
const MOST: u32 = 100_000;

/// Of one disk between `since` and the snapshot, on whole clusters.
///
/// # Errors
/// By kind; `Permanent` for a change id that the tracker does not know any more.
pub async fn changed(link: &Link, machine: &Ref, snapshot: &Ref, disk: i32, since: &str, size: u64) -> Result<Vec<Extent>> {
    let (mut from, mut found) = (0, vec![]);
    for _ in 0..MOST {
        let args = format!("{}{}{}{}", snapshot.xml("snapshot"), tag("deviceKey", disk), tag("startOffset", from), tag("changeId", since));
        let answer = link.ask("QueryChangedDiskAreas", machine, &args).await?;
        let (areas, next) = read(&answer, from);
        found.extend(areas);
        if next >= size {
            return Ok(aligned(&found, size));
        }
        if next <= from {
            break;
        }
        from = next;
    }
    Err(Error::permanent("QueryChangedDiskAreas: the answers do not come to an end."))
}

/// The areas, and where the next question begins.
fn read(answer: &Node, from: u64) -> (Vec<(u64, u64)>, u64) {
    let area = |one: &Node| Some((one.number("start")?, one.number("length")?));
    let start: u64 = answer.number("startOffset").unwrap_or(from);
    (answer.all("changedArea").filter_map(area).collect(), start + answer.number::<u64>("length").unwrap_or_default())
}

/// In ascending order, on whole clusters, none touching the next; the last one ends with the disk.
fn aligned(areas: &[(u64, u64)], size: u64) -> Vec<Extent> {
    let mut all: Vec<(u64, u64)> = areas.iter().filter(|(_, length)| *length > 0).copied().collect();
    all.sort_unstable();
    let mut out: Vec<Extent> = vec![];
    for (start, length) in all {
        let from = start / CLUSTER * CLUSTER;
        let to = ((start + length).div_ceil(CLUSTER) * CLUSTER).min(size);
        match out.last_mut() {
            _ if from >= to => {}
            Some(last) if last.offset + last.length >= from => last.length = last.length.max(to.saturating_sub(last.offset)),
            _ => out.push(Extent { offset: from, length: to - from, zero: false }),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{super::super::xml::parse, *};
    use proptest::prelude::*;

    /// By VMware's documentation: an answer may cover a part of the disk only.
    #[test]
    fn an_answer_says_where_the_next_question_begins() {
        let text = "<returnval><startOffset>1048576</startOffset><length>2097152</length><changedArea><start>1048576</start><length>65536</length></changedArea><changedArea><start>2097152</start><length>131072</length></changedArea></returnval>";
        assert_eq!(read(&parse(text).unwrap(), 1 << 20), (vec![(1 << 20, 65536), (2 << 20, 131_072)], 3 << 20));
        assert_eq!(read(&parse("<returnval/>").unwrap(), 7), (vec![], 7), "no progress is noticed");
    }

    #[test]
    fn areas_are_put_on_clusters() {
        let extent = |offset, length| Extent { offset, length, zero: false };
        assert_eq!(aligned(&[(100, 10), (CLUSTER - 1, 2)], 10 * CLUSTER), [extent(0, 2 * CLUSTER)]);
        assert_eq!(aligned(&[(3 * CLUSTER, 1), (0, CLUSTER)], 3 * CLUSTER + 512), [extent(0, CLUSTER), extent(3 * CLUSTER, 512)]);
        assert_eq!(aligned(&[], CLUSTER), []);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_overlaps(areas in proptest::collection::vec((0u64..900_000, 0u64..200_000), 0..20)) {
            let size = 1_000_448;
            let areas: Vec<(u64, u64)> = areas.into_iter().map(|(start, length)| (start, length.min(size - start))).collect();
            let extents = aligned(&areas, size);
            prop_assert!(extents.windows(2).all(|w| w[0].offset + w[0].length < w[1].offset));
            prop_assert!(extents.iter().all(|e| e.offset % CLUSTER == 0 && e.offset + e.length <= size));
            for (start, length) in areas.iter().filter(|(_, length)| *length > 0) {
                prop_assert!(extents.iter().any(|e| e.offset <= *start && start + length <= e.offset + e.length));
            }
        }
    }
}

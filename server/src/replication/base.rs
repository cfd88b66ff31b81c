//! On top of what the next recovery point is made: pure.

use crate::{clouds::DiskShape, store::points::StoredPoint};
use model::machine::Disk;

#[derive(Debug, PartialEq)]
pub enum Base<'a> {
    /// Only what changed since this one.
    Delta(&'a StoredPoint),
    /// The same, but the chain below it is as long as the target can bear: it is to rest further down first.
    Shorten(&'a StoredPoint),
    Full(Why),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    First,
    /// The source has no record of what changed since.
    NoRecord,
    /// A disk was added, removed or resized.
    DisksChanged,
    /// Points are kept at another cloud from now on.
    TargetChanged,
    /// Too long a chain on a point that a run holds and that must stay as it is.
    HeldChain,
}

impl Why {
    /// Is it a repair of something that was complete before?
    pub fn is_resync(self) -> bool {
        matches!(self, Self::NoRecord | Self::DisksChanged)
    }
}

pub fn base<'a>(newest: Option<&'a StoredPoint>, disks: &[Disk], target: &str, max_chain: u32) -> Base<'a> {
    let Some(point) = newest else { return Base::Full(Why::First) };
    if point.cloud_id != target {
        return Base::Full(Why::TargetChanged);
    }
    if point.source_point.is_none() {
        return Base::Full(Why::NoRecord);
    }
    if shapes(&point.spec.disks) != shapes(disks) {
        return Base::Full(Why::DisksChanged);
    }
    // A chain of depth d is d + 1 points long; the new one makes it d + 2.
    match point.depth + 2 > max_chain.max(2) {
        false => Base::Delta(point),
        true if point.held => Base::Full(Why::HeldChain),
        true => Base::Shorten(point),
    }
}

/// Which disks, how large; in the order of their keys, since clouds may list them in any.
pub fn shapes(disks: &[Disk]) -> Vec<(&str, u64)> {
    let mut shapes: Vec<_> = disks.iter().map(|d| (d.key.as_str(), d.size_bytes)).collect();
    shapes.sort_unstable();
    shapes
}

/// Does what was opened show exactly the disks that were described?
pub fn same_disks(described: &[Disk], opened: &[DiskShape]) -> bool {
    let mut seen: Vec<_> = opened.iter().map(|d| (d.key.as_str(), d.size_bytes)).collect();
    seen.sort_unstable();
    shapes(described) == seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::samples;

    #[test]
    fn what_the_next_point_is_based_on() {
        let point = samples::point(3, 2);
        let disks = point.spec.disks.clone();
        assert_eq!(base(None, &disks, "t", 16), Base::Full(Why::First));
        assert_eq!(base(Some(&point), &disks, "t", 16), Base::Delta(&point));
        assert_eq!(base(Some(&point), &disks, "other", 16), Base::Full(Why::TargetChanged));
        let lost = StoredPoint { source_point: None, ..point.clone() };
        assert_eq!(base(Some(&lost), &disks, "t", 16), Base::Full(Why::NoRecord));
    }

    #[test]
    fn any_change_of_the_disks_takes_a_full_pass() {
        let point = samples::point(3, 2);
        let mut grown = point.spec.disks.clone();
        grown[0].size_bytes += 1;
        let mut more = point.spec.disks.clone();
        more.push(model::machine::Disk { key: "vdz".into(), ..more[0].clone() });
        for disks in [grown, more, vec![]] {
            assert_eq!(base(Some(&point), &disks, "t", 16), Base::Full(Why::DisksChanged));
        }
    }

    #[test]
    fn a_chain_never_gets_longer_than_the_target_bears() {
        for max in 2..20 {
            for depth in 0..max {
                let point = samples::point(9, depth);
                let longer = depth + 2 > max;
                match base(Some(&point), &point.spec.disks, "t", max) {
                    Base::Shorten(_) => assert!(longer),
                    Base::Delta(_) => assert!(!longer),
                    Base::Full(why) => panic!("full: {why:?}"),
                }
                let held = StoredPoint { held: true, ..point.clone() };
                assert_eq!(base(Some(&held), &held.spec.disks, "t", max) == Base::Full(Why::HeldChain), longer);
            }
        }
    }
}

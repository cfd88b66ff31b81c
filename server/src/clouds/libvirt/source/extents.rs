//! From the server's maps to what must be copied. Pure.

use super::super::nbd::Run;
use crate::clouds::{Extent, qcow2::CLUSTER};

const ZERO: u32 = 2;
const DIRTY: u32 = 1;

/// Everything that was ever written, whole clusters.
pub fn full(size: u64, allocation: &[Run]) -> Vec<Extent> {
    let data = allocation.iter().filter(|run| run.flags & ZERO == 0).map(|run| (run.offset, run.length));
    outward(data, size).into_iter().map(|(offset, length)| Extent { offset, length, zero: false }).collect()
}

/// What changed; whole clusters in it that read as zeroes (a discard, say) are only named, not read.
pub fn changed(size: u64, dirty: &[Run], allocation: &[Run]) -> Vec<Extent> {
    let dirty = outward(dirty.iter().filter(|run| run.flags & DIRTY != 0).map(|run| (run.offset, run.length)), size);
    let zeroes: Vec<_> = allocation.iter().filter(|run| run.flags & ZERO != 0).map(|run| inward(run, size)).collect();
    let mut zeroes = zeroes.into_iter().filter(|(from, to)| from < to).peekable();
    let mut out = vec![];
    for (offset, length) in dirty {
        let (mut at, end) = (offset, offset + length);
        while at < end {
            while zeroes.next_if(|(_, to)| *to <= at).is_some() {}
            let (from, to) = zeroes.peek().copied().unwrap_or((u64::MAX, u64::MAX));
            let (zero, until) = if from <= at { (true, to.min(end)) } else { (false, from.min(end)) };
            out.push(Extent { offset: at, length: until - at, zero });
            at = until;
        }
    }
    out
}

/// Grown to whole clusters, neighbours and overlaps joined.
fn outward(runs: impl Iterator<Item = (u64, u64)>, size: u64) -> Vec<(u64, u64)> {
    let mut out: Vec<(u64, u64)> = vec![];
    for (offset, length) in runs.filter(|(_, length)| *length > 0) {
        let from = offset / CLUSTER * CLUSTER;
        let to = (offset + length).next_multiple_of(CLUSTER).min(size);
        match out.last_mut() {
            Some((start, length)) if *start + *length >= from => *length = to.max(*start + *length) - *start,
            _ => out.push((from, to - from)),
        }
    }
    out
}

/// Shrunk to whole clusters (from, to).
fn inward(run: &Run, size: u64) -> (u64, u64) {
    let end = run.offset + run.length;
    let to = if end >= size { size } else { end / CLUSTER * CLUSTER };
    (run.offset.next_multiple_of(CLUSTER), to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(offset: u64, length: u64, flags: u32) -> Run {
        Run { offset, length, flags }
    }

    #[test]
    fn clusters_that_became_zero_are_named_not_read() {
        let size = 10 * CLUSTER + 100;
        let dirty = [run(0, 2 * CLUSTER, 0), run(2 * CLUSTER, 4 * CLUSTER, 1), run(6 * CLUSTER, 4 * CLUSTER, 0), run(10 * CLUSTER, 100, 1)];
        let allocation =
            [run(0, 3 * CLUSTER + 5, 0), run(3 * CLUSTER + 5, 2 * CLUSTER, 3), run(5 * CLUSTER + 5, size - 5 * CLUSTER - 5, 0)];
        let found = changed(size, &dirty, &allocation);
        let expect =
            [(2, 2, false), (4, 1, true), (5, 1, false)].map(|(o, l, zero)| Extent { offset: o * CLUSTER, length: l * CLUSTER, zero });
        assert_eq!(found[..3], expect);
        assert_eq!(found[3], Extent { offset: 10 * CLUSTER, length: 100, zero: false });
    }

    proptest! {
        #[test]
        fn every_dirty_byte_is_covered_once(lengths in prop::collection::vec((1u64..300_000, 0u32..2, 0u32..4), 1..40)) {
            let (mut dirty, mut allocation, mut at) = (vec![], vec![], 0);
            for (length, flag, zero) in &lengths {
                dirty.push(run(at, *length, *flag));
                allocation.push(run(at, *length, *zero));
                at += length;
            }
            let found = changed(at, &dirty, &allocation);
            prop_assert!(found.windows(2).all(|w| w[0].offset + w[0].length <= w[1].offset));
            prop_assert!(found.iter().all(|e| e.length > 0 && e.offset % CLUSTER == 0 && e.offset + e.length <= at));
            for one in dirty.iter().filter(|one| one.flags == 1) {
                for byte in [one.offset, one.offset + one.length - 1] {
                    prop_assert!(found.iter().any(|e| e.offset <= byte && byte < e.offset + e.length));
                }
            }
            // A zero extent must not hide data.
            for e in found.iter().filter(|e| e.zero) {
                prop_assert!(!allocation.iter().any(|a| a.flags & 2 == 0 && a.offset < e.offset + e.length && a.offset + a.length > e.offset));
            }
            prop_assert!(full(at, &allocation).iter().all(|e| e.offset % CLUSTER == 0));
        }
    }
}

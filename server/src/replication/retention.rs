//! Which recovery points go: pure.
//!
//! The policy wants at most so many and none older than so long. It never gets the newest, never one that a run holds,
//! and never one that another is based on: such points stay, usable, until the chain above them goes as well.

use crate::store::points::StoredPoint;
use model::{Millis, protection::Policy};
use std::collections::HashSet;

/// Identifiers in the order in which they can be deleted: what is based on others first. Without a clock that can be
/// relied on only the number counts.
pub fn expired(points: &[StoredPoint], policy: &Policy, now: Option<Millis>) -> Vec<String> {
    let mut newest_first: Vec<&StoredPoint> = points.iter().collect();
    newest_first.sort_by_key(|p| std::cmp::Reverse(p.seq));
    let old = too_old(&newest_first, policy, now);
    let keep = usize::try_from(policy.keep_points.max(1)).unwrap_or(usize::MAX);
    let mut needed: HashSet<&str> = HashSet::new();
    let mut gone = vec![];
    let mut rank = 0;
    for point in newest_first {
        // One that is missing takes nobody's place; it waits for its pool as long as it would have been kept for its age.
        let young = !old.contains(point.id.as_str());
        let wanted = if point.missing_since.is_some() { young } else { rank == 0 || (rank < keep && young) };
        rank += usize::from(point.missing_since.is_none());
        if (wanted && !point.deleting) || point.held || needed.contains(point.id.as_str()) {
            needed.extend(point.parent_id.as_deref());
        } else {
            gone.push(point.id.clone());
        }
    }
    gone
}

/// The sequence is the truth about which point is newer, the clock may have been wrong: none is older than one before it,
/// and of one from the future nothing is known.
fn too_old<'a>(newest_first: &[&'a StoredPoint], policy: &Policy, now: Option<Millis>) -> HashSet<&'a str> {
    let Some(now) = now else { return HashSet::new() };
    let oldest_allowed = now.saturating_sub(i64::from(policy.keep_hours) * 3_600_000);
    let mut latest = Millis::MIN;
    let mut old = HashSet::new();
    for point in newest_first.iter().rev() {
        if point.taken_at > now {
            continue;
        }
        latest = latest.max(point.taken_at);
        if latest < oldest_allowed {
            old.insert(point.id.as_str());
        }
    }
    old
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::samples;
    use proptest::prelude::*;

    fn policy(keep_points: u32, keep_hours: u32) -> Policy {
        Policy { keep_points, keep_hours, ..Policy::default() }
    }

    /// Chains of four: 1 full, 2-4 on top, 5 full …
    fn chains(count: i64) -> Vec<StoredPoint> {
        (1..=count).map(|seq| samples::point(seq, u32::try_from((seq - 1) % 4).unwrap())).collect()
    }

    #[test]
    fn a_chain_goes_only_as_a_whole_from_its_end() {
        let points = chains(9);
        assert_eq!(expired(&points, &policy(5, 1), Some(9000)), ["p4", "p3", "p2", "p1"]);
        assert!(expired(&points, &policy(6, 1), Some(9000)).is_empty(), "p4 is kept and based on p1 to p3");
    }

    #[test]
    fn age_counts_too_but_never_for_the_newest() {
        let points = chains(5);
        assert_eq!(expired(&points, &policy(100, 1), Some(3_600_000 + 4_500)), ["p4", "p3", "p2", "p1"]);
        assert_eq!(expired(&points, &policy(100, 1), Some(i64::MAX / 2)).len(), 4);
        assert!(expired(&points, &policy(100, 1), None).is_empty(), "not by a clock that jumped");
        assert_eq!(expired(&chains(9), &policy(5, 1), None), ["p4", "p3", "p2", "p1"], "but by their number");
    }

    /// What was taken while the clock was wrong is as young as its neighbours.
    #[test]
    fn points_of_a_wrong_clock_are_not_older_than_the_ones_before_them() {
        let day = 86_400_000;
        let mut points: Vec<StoredPoint> = (1..=5).map(|seq| samples::point(seq, 0)).collect();
        let times = [100 * day, 100 * day + 1000, day, 400 * day, 100 * day + 4000];
        points.iter_mut().zip(times).for_each(|(p, at)| p.taken_at = at);
        assert!(expired(&points, &policy(100, 1), Some(100 * day + 5000)).is_empty());
        let later = expired(&points, &policy(100, 1), Some(102 * day));
        assert_eq!(later, ["p3", "p2", "p1"], "two days later; of the one from the future nothing is known");
    }

    #[test]
    fn missing_ones_wait_for_their_age_and_take_nobodys_place() {
        let mut points = chains(8);
        points[4..].iter_mut().for_each(|p| p.missing_since = Some(1));
        assert!(expired(&points, &policy(4, 1), Some(9000)).is_empty(), "four are missing, four are kept");
        assert_eq!(expired(&points, &policy(1, 1), Some(3_600_000 + 9_500)), ["p8", "p7", "p6", "p5"], "the newest that is there stays");
    }

    #[test]
    fn held_ones_keep_what_they_are_based_on() {
        let mut points = chains(9);
        points[1].held = true;
        assert_eq!(expired(&points, &policy(1, 1), Some(9000)), ["p8", "p7", "p6", "p5", "p4", "p3"]);
    }

    proptest! {
        #[test]
        fn nothing_needed_ever_goes(
            shape in proptest::collection::vec((any::<bool>(), any::<bool>(), any::<bool>()), 1..40), keep in 1u32..20, at in 0i64..100_000,
        ) {
            let points: Vec<StoredPoint> = shape.iter().enumerate().map(|(i, (full, held, deleting))| {
                let seq = i as i64 + 1;
                let mut p = samples::point(seq, u32::from(!full && i > 0));
                p.held = *held;
                p.deleting = *deleting && !held;
                p
            }).collect();
            let gone = expired(&points, &policy(keep, 0), Some(at));
            for p in &points {
                if gone.contains(&p.id) {
                    prop_assert!(!p.held);
                } else if let Some(parent) = &p.parent_id {
                    prop_assert!(!gone.contains(parent), "{} is based on {}", p.id, parent);
                }
            }
            if !points[points.len() - 1].deleting {
                prop_assert!(!gone.contains(&points[points.len() - 1].id));
            }
            // In this order each has nothing on top of it when its turn comes.
            for (i, id) in gone.iter().enumerate() {
                prop_assert!(!gone[i + 1..].iter().any(|later| points.iter().any(|p| &p.id == later && p.parent_id.as_ref() == Some(id))));
            }
        }
    }
}

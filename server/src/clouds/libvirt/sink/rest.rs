//! On what a point is to rest when its chain got too long. Pure.

/// Index in `sizes` (bytes of each file, the topmost first) of what it rests on afterwards; `None`: on nothing.
///
/// As in a log-structured store: what is smaller than all that lies on it is taken in with it, so each byte is written
/// again only a few times however long the history. Once the deltas are as large as half of the full point, a copy of
/// everything costs no more than a few times the deltas, and lets the oldest point go.
pub fn rests_on(sizes: &[u64]) -> Option<usize> {
    let full = sizes.len().checked_sub(1)?;
    let above = |index: usize| sizes[..index].iter().sum::<u64>();
    // Half as long as before at most: room for as many cycles again before the next time.
    let is_short = |index: usize| full - index + 2 <= (sizes.len() / 2).max(2);
    let delta = (1..full).find(|index| is_short(*index) && sizes[*index] >= above(*index));
    delta.or_else(|| (full > 0 && sizes[full] / 2 >= above(full)).then_some(full))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_deltas_go_onto_the_full_point_and_large_ones_replace_it() {
        let deltas = [vec![1; 11], vec![1000]].concat();
        assert_eq!(rests_on(&deltas), Some(11));
        assert_eq!(rests_on(&[vec![1; 11], vec![20]].concat()), None);
        // A large delta among small ones stays as it is.
        assert_eq!(rests_on(&[vec![1; 9], vec![50, 1, 1000]].concat()), Some(9));
        assert_eq!(rests_on(&[5]), None);
        assert_eq!(rests_on(&[1, 1, 1, 1, 1000]), Some(4), "a short chain gets shorter, too");
    }

    proptest! {
        #[test]
        fn what_is_written_again_goes_by_what_changed(full in 1u64..100_000, deltas in prop::collection::vec(1u64..500, 1..3000)) {
            let (mut chain, mut again) = (vec![full], 0);
            for delta in &deltas {
                if chain.len() + 1 > 12 {
                    match rests_on(&chain) {
                        None => {
                            // The worst case: nothing overlaps.
                            let all = chain.iter().sum::<u64>();
                            again += all;
                            chain = vec![all];
                        }
                        Some(on) => {
                            let merged = chain[..on].iter().sum::<u64>();
                            again += merged;
                            chain.splice(..on, [merged]);
                        }
                    }
                    prop_assert!(chain.len() <= 6);
                }
                chain.insert(0, *delta);
                prop_assert!(chain.len() <= 12);
            }
            let changed = deltas.iter().sum::<u64>();
            prop_assert!(again <= 12 * changed, "{again} bytes for {changed}");
        }
    }
}

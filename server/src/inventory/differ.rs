//! What is different between what the store has and what a cloud shows: pure, so that it can be tried on anything.

use crate::clouds::Observed;
use std::{
    collections::{HashMap, HashSet},
    hash::Hasher,
    io,
};

/// Two observations with the same digest are the same. Of the JSON, since that is what the store keeps.
pub type Digest = u64;

pub fn digest(observed: &Observed) -> Digest {
    let mut sum = Sum::default();
    // Writing into a sum cannot fail; an observation that is no JSON counts as changed, with every look.
    if serde_json::to_writer(&mut sum, observed).is_err() {
        return rand::random();
    }
    sum.0.finish()
}

pub fn digest_of_text(detail: &str) -> Digest {
    let mut sum = Sum::default();
    sum.0.write(detail.as_bytes());
    sum.0.finish()
}

/// SipHash with fixed keys; it takes bytes as a stream, so chunks do not matter.
#[derive(Default)]
#[allow(deprecated)] // The successor in std has random keys; these digests only live in memory, but must agree there.
struct Sum(std::hash::SipHasher);

impl io::Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug, Default, PartialEq)]
pub struct Difference {
    /// Positions in the new observations, each native id once.
    pub written: Vec<usize>,
    /// Native ids that are no longer there.
    pub gone: Vec<String>,
}

/// `complete`: what is not among the new ones is gone. A cloud that shows an id twice is taken by its last word.
pub fn compare(old: &HashMap<String, Digest>, new: &[(String, Digest)], complete: bool) -> Difference {
    let last: HashMap<&str, usize> = new.iter().enumerate().map(|(i, (id, _))| (id.as_str(), i)).collect();
    let changed = |(i, (id, digest)): (usize, &(String, Digest))| (last[id.as_str()] == i && old.get(id) != Some(digest)).then_some(i);
    let written = new.iter().enumerate().filter_map(changed).collect();
    let gone = if complete {
        let there: HashSet<&str> = last.keys().copied().collect();
        old.keys().filter(|id| !there.contains(id.as_str())).cloned().collect()
    } else {
        vec![]
    };
    Difference { written, gone }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids() -> impl Strategy<Value = String> {
        "[a-e]{1,2}"
    }

    proptest! {
        #[test]
        fn applying_the_difference_gives_what_is_there(
            old in prop::collection::hash_map(ids(), 0u64..4, 0..12),
            new in prop::collection::vec((ids(), 0u64..4), 0..16),
        ) {
            let difference = compare(&old, &new, true);
            let mut after = old.clone();
            for i in &difference.written {
                let (id, digest) = &new[*i];
                prop_assert_ne!(old.get(id), Some(digest), "nothing is written twice");
                after.insert(id.clone(), *digest);
            }
            difference.gone.iter().for_each(|id| { after.remove(id); });
            prop_assert_eq!(after, new.into_iter().collect::<HashMap<_, _>>());
        }

        #[test]
        fn a_partial_look_takes_nothing_away(
            old in prop::collection::hash_map(ids(), 0u64..4, 0..12),
            new in prop::collection::vec((ids(), 0u64..4), 0..4),
        ) {
            prop_assert!(compare(&old, &new, false).gone.is_empty());
        }

        #[test]
        fn the_same_look_again_changes_nothing(new in prop::collection::vec((ids(), 0u64..4), 0..16)) {
            let old: HashMap<_, _> = new.iter().cloned().collect();
            prop_assert_eq!(compare(&old, &new, true), Difference::default());
        }
    }
}

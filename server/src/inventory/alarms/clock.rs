//! Notices when the wall clock jumps: ages, leases and recovery points are told by it.

use crate::state::now;
use model::Millis;
use std::time::{Duration, Instant};

/// Smaller steps are what time daemons do all day.
const JUMP: Millis = 2_000;
/// So long the screens keep saying it.
const KEPT: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jump {
    /// Ahead (positive) or back.
    pub by: Millis,
}

#[derive(Default)]
pub struct Watch {
    last: Option<(Instant, Millis)>,
    jump: Option<(Instant, Jump)>,
}

impl Watch {
    pub fn look(&mut self) -> Option<Jump> {
        self.see(Instant::now(), now())
    }

    fn see(&mut self, steady: Instant, wall: Millis) -> Option<Jump> {
        if let Some((steady_before, wall_before)) = self.last {
            let by = (wall - wall_before) - (steady - steady_before).as_millis() as Millis;
            if by.abs() > JUMP {
                self.jump = Some((steady, Jump { by }));
            }
        }
        self.last = Some((steady, wall));
        self.jump.filter(|(at, _)| steady - *at < KEPT).map(|(_, jump)| jump)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clock_that_leaves_the_steady_one_jumps() {
        let (begun, mut watch) = (Instant::now(), Watch::default());
        let at = |s: u64| begun + Duration::from_secs(s);
        assert_eq!(watch.see(at(0), 1_000_000), None);
        assert_eq!(watch.see(at(60), 1_060_500), None, "slow loops are no jumps");
        assert_eq!(watch.see(at(61), 4_661_500), Some(Jump { by: 3_600_000 }));
        assert_eq!(watch.see(at(62), 4_662_500), Some(Jump { by: 3_600_000 }), "still said");
        assert_eq!(watch.see(at(63), 1_063_500), Some(Jump { by: -3_600_000 }), "and back");
        assert_eq!(watch.see(at(700), 1_700_500), None, "forgotten");
    }
}

//! Notices when the wall clock jumps: ages, leases and recovery points are told by it.
//!
//! What cannot be undone is not done by such a clock: as long as a jump is neither taken back nor acknowledged by
//! somebody, nothing is deleted because of its age.

use crate::state::now;
use model::Millis;
use std::time::{Duration, Instant};

/// Smaller steps are what time daemons do all day.
const JUMP: Millis = 2_000;
/// So long the screens keep saying it.
const KEPT: Duration = Duration::from_secs(600);
/// A clock that is wrong when the host starts is set by its time service within minutes.
const GRACE: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jump {
    /// Ahead (positive) or back.
    pub by: Millis,
}

pub struct Watch {
    /// When this node began to watch; `None`: somebody said that the clock is right.
    began: Option<Instant>,
    last: Option<(Instant, Millis)>,
    jump: Option<(Instant, Jump)>,
    /// The sum of all jumps that were not taken back.
    net: Millis,
    /// An earlier life of the node ended with such a sum.
    inherited: bool,
}

impl Default for Watch {
    fn default() -> Self {
        Self { began: Some(Instant::now()), last: None, jump: None, net: 0, inherited: false }
    }
}

impl Watch {
    /// The last jump, as long as it is worth telling.
    pub fn look(&mut self) -> Option<Jump> {
        self.see(Instant::now(), now())
    }

    fn see(&mut self, steady: Instant, wall: Millis) -> Option<Jump> {
        if let Some((steady_before, wall_before)) = self.last {
            let by = (wall - wall_before) - (steady - steady_before).as_millis() as Millis;
            if by.abs() > JUMP {
                self.jump = Some((steady, Jump { by }));
                self.net += by;
            }
        }
        // Taken back, as far as a clock that is set by hand or by a service is ever exact.
        if self.net.abs() <= JUMP {
            self.net = 0;
        }
        self.last = Some((steady, wall));
        self.jump.filter(|(at, _)| steady - *at < KEPT).map(|(_, jump)| jump)
    }

    /// The jump that nobody took back or acknowledged; 0 of it is known when it was before this life.
    pub fn unsettled(&mut self) -> Option<Jump> {
        self.look();
        (self.inherited || self.net != 0).then_some(Jump { by: self.net })
    }

    /// The wall clock, where something may be deleted because it is old.
    pub fn for_ages(&mut self) -> Option<Millis> {
        let early = self.began.is_some_and(|at| at.elapsed() < GRACE);
        (self.unsettled().is_none() && !early).then(now)
    }

    /// The later one of the two times that it may be now: for what must not be over too early.
    pub fn latest(&mut self) -> Millis {
        self.look();
        now().max(now() - self.net)
    }

    pub fn inherit(&mut self) {
        self.inherited = true;
    }

    /// Somebody looked at the clock: it is right.
    pub fn acknowledge(&mut self) {
        // With what has happened since the last look.
        self.look();
        (self.net, self.inherited, self.jump, self.began) = (0, false, None, None);
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

    #[test]
    fn nothing_is_deleted_by_a_clock_until_its_jump_is_settled() {
        let mut watch = Watch::default();
        assert_eq!(watch.for_ages(), None, "not right after the start");
        watch.acknowledge();
        assert!(watch.for_ages().is_some());
        for by in [86_400_000, -86_400_000] {
            crate::state::clock::set(by);
            assert_eq!(watch.for_ages(), None, "noticed at once, not with the next second");
            assert_eq!(watch.unsettled().unwrap().by / 10_000, by / 10_000);
            assert!(watch.latest() > now() - 1000 && watch.latest() >= now() - by - 1000);
            crate::state::clock::set(-by);
            assert!(watch.for_ages().is_some(), "it was taken back");
        }
        crate::state::clock::set(3_600_000);
        watch.acknowledge();
        assert!(watch.for_ages().is_some() && watch.unsettled().is_none());
        watch.inherit();
        assert_eq!(watch.for_ages(), None, "a restart settles nothing");
    }
}

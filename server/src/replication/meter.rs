//! How far a transfer is: told at most four times a second, with the rate of the last seconds.

use model::Transfer;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

const EVERY: Duration = Duration::from_millis(250);
const WINDOW: Duration = Duration::from_secs(3);

pub struct Meter<'a> {
    done: u64,
    total: u64,
    told: Option<Instant>,
    seen: VecDeque<(Instant, u64)>,
    tell: &'a (dyn Fn(Transfer) + Send + Sync),
}

impl<'a> Meter<'a> {
    pub fn new(total: u64, tell: &'a (dyn Fn(Transfer) + Send + Sync)) -> Self {
        Self { done: 0, total, told: None, seen: VecDeque::new(), tell }
    }

    pub fn add(&mut self, bytes: u64) {
        self.add_at(bytes, Instant::now());
    }

    fn add_at(&mut self, bytes: u64, now: Instant) {
        self.done += bytes;
        let due = self.told.is_none_or(|t| now.duration_since(t) >= EVERY);
        if due || self.done >= self.total {
            self.told = Some(now);
            (self.tell)(Transfer { done: self.done, total: self.total, rate: self.rate(now) });
        }
    }

    fn rate(&mut self, now: Instant) -> u64 {
        self.seen.push_back((now, self.done));
        while self.seen.len() > 2 && now.duration_since(self.seen[0].0) > WINDOW {
            self.seen.pop_front();
        }
        let (at, done) = self.seen[0];
        let ms = now.duration_since(at).as_millis();
        u64::try_from(u128::from(self.done - done) * 1000 / ms.max(1)).unwrap_or_default() * u64::from(ms > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn tells_four_times_a_second_and_at_the_end() {
        let told = Mutex::new(vec![]);
        let tell = |t: Transfer| told.lock().unwrap().push(t);
        let mut meter = Meter::new(1_000_000, &tell);
        let begun = Instant::now();
        for i in 1..=1000u32 {
            meter.add_at(1000, begun + Duration::from_millis(u64::from(i)));
        }
        let told = told.into_inner().unwrap();
        assert_eq!(told.len(), 5);
        assert_eq!(told.last().unwrap().done, 1_000_000);
        assert!((990_000..=1_010_000).contains(&told.last().unwrap().rate), "{:?}", told.last());
    }
}

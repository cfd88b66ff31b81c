//! What was seen on the way from one cloud to another: cycles of replication, and the copies and outages of moves.

use crate::{
    error::Result,
    recovery::{spec::RunSpec, view},
    state::Node,
    store::{members, runs, steps},
};
use model::{
    Id,
    placement::Estimate,
    run::{MoveMode, RunKind, StepState},
};
use std::collections::HashMap;

/// Fewer bytes tell of the overhead, not of the link.
const LEAST: u64 = 1 << 20;
/// Runs that are looked back at.
const RUNS: i64 = 100;

#[derive(Default)]
struct Link {
    bytes: u64,
    ms: u64,
    transfers: u32,
    outages: Vec<u64>,
}

/// By source and target.
#[derive(Default)]
pub struct History(HashMap<(Id, Id), Link>);

impl History {
    pub async fn load(node: &Node) -> Result<Self> {
        let mut all = Self::default();
        for seen in members::last_cycles(&node.db).await? {
            all.sent(&seen.source, &seen.target, seen.bytes.unsigned_abs(), seen.ms.unsigned_abs());
        }
        for row in runs::list(&node.db, Some(false), RUNS, None).await?.iter().filter(|r| r.kind == RunKind::Move.as_str()) {
            let Ok(spec) = serde_json::from_str::<RunSpec>(&row.spec) else { continue };
            let Some(subject) = spec.subjects.first() else { continue };
            let (source, target) = (&subject.source.cloud_id, &subject.target.cloud_id);
            for step in steps::of_run(&node.db, &row.id).await?.iter().filter(|s| s.kind == "sync") {
                if let (StepState::Succeeded, Some(from), Some(to)) = (view::step_state(step), step.started_at, step.finished_at) {
                    all.sent(source, target, view::facts(step).bytes.unwrap_or(0), to.saturating_sub(from).unsigned_abs());
                }
            }
            if let Some(ms) = view::run(row).outcome.and_then(|o| o.downtime_ms) {
                all.link(source, target).outages.push(ms);
            }
        }
        Ok(all)
    }

    fn link(&mut self, source: &str, target: &str) -> &mut Link {
        self.0.entry((source.into(), target.into())).or_default()
    }

    fn sent(&mut self, source: &str, target: &str, bytes: u64, ms: u64) {
        if bytes >= LEAST && ms > 0 {
            let link = self.link(source, target);
            (link.bytes, link.ms, link.transfers) = (link.bytes + bytes, link.ms + ms, link.transfers + 1);
        }
    }

    /// For so many bytes, in the way that a move would take by itself.
    pub fn estimate(&self, source: &str, target: &str, bytes: u64, mode: Option<MoveMode>) -> Estimate {
        let none = Link::default();
        let link = self.0.get(&(source.to_owned(), target.to_owned())).unwrap_or(&none);
        let rate = (link.ms > 0).then(|| (link.bytes.saturating_mul(1000) / link.ms).max(1));
        let time_ms = rate.map(|r| bytes.saturating_mul(1000) / r);
        let downtime_ms = match mode {
            // Stopped for as long as it is copied.
            Some(MoveMode::Cold) => time_ms,
            Some(_) => median(&link.outages),
            None => None,
        };
        let about = match (link.transfers, link.outages.len()) {
            (0, 0) => "Not known yet: nothing was sent on this way so far.".to_owned(),
            (sent, moves) => format!("From {sent} transfers and {moves} moves that were seen on this way."),
        };
        Estimate { time_ms, downtime_ms, rate, about }
    }
}

fn median(all: &[u64]) -> Option<u64> {
    let mut all = all.to_vec();
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_told_that_was_not_seen() {
        let mut all = History::default();
        all.sent("a", "b", LEAST - 1, 10);
        let unknown = all.estimate("a", "b", 1 << 30, Some(MoveMode::Cold));
        assert_eq!((unknown.time_ms, unknown.downtime_ms, unknown.rate), (None, None, None));
        assert!(unknown.about.starts_with("Not known yet"));
        all.sent("a", "b", 100 << 20, 1000);
        all.sent("a", "b", 300 << 20, 3000);
        let cold = all.estimate("a", "b", 1000 << 20, Some(MoveMode::Cold));
        assert_eq!((cold.rate, cold.time_ms, cold.downtime_ms), (Some(100 << 20), Some(10_000), Some(10_000)));
        assert_eq!(all.estimate("a", "b", 1, Some(MoveMode::Warm)).downtime_ms, None, "no move was seen");
        all.link("a", "b").outages.extend([900, 2000, 1200]);
        assert_eq!(all.estimate("a", "b", 1, Some(MoveMode::Warm)).downtime_ms, Some(1200));
        assert_eq!(all.estimate("b", "a", 1, Some(MoveMode::Warm)).rate, None, "the way back is another");
    }
}

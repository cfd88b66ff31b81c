//! What is possible: one set of bounds for the node, which has the last word, and for the forms, which say it earlier.

use std::ops::RangeInclusive;

/// Below it a cycle's own overhead would be the objective.
pub const RPO_SECONDS: RangeInclusive<u32> = 5..=86_400;
pub const KEEP_POINTS: RangeInclusive<u32> = 1..=1_000;
/// Ten years.
pub const KEEP_HOURS: RangeInclusive<u32> = 1..=87_600;
/// Bytes per second: one block of changes a second.
pub const LEAST_BANDWIDTH: u64 = 64 << 10;

pub const PRIORITIES: RangeInclusive<u8> = 1..=5;
pub const HEALTH_TIMEOUT_SECONDS: RangeInclusive<u32> = 1..=3_600;
pub const START_DELAY_SECONDS: RangeInclusive<u32> = 0..=3_600;
pub const CALLOUT_TIMEOUT_SECONDS: RangeInclusive<u32> = 1..=86_400;

pub const STOP_TIMEOUT_SECONDS: RangeInclusive<u32> = 1..=3_600;
/// A year.
pub const KEEP_SOURCE_HOURS: RangeInclusive<u32> = 0..=8_760;

/// Ten years; a token may also have no end.
pub const TOKEN_DAYS: RangeInclusive<u32> = 1..=3_650;

//! Which rows of a long list are in sight, and which chunks of it must be fetched for that. Pure.

use super::query::CHUNK;
use std::ops::Range;

/// Rows drawn beyond the edges, so that a short scroll shows no gap.
const BEYOND: usize = 12;

/// The rows to draw. A list that got shorter is scrolled too far for a moment: its end is in sight then.
pub fn visible(scrolled: f64, height: f64, row: f64, total: usize) -> Range<usize> {
    let row = row.max(1.0);
    let count = (height.max(0.0) / row).ceil() as usize;
    let first = ((scrolled.max(0.0) / row) as usize).min(total.saturating_sub(count));
    let end = (first + count + BEYOND).min(total);
    first.saturating_sub(BEYOND)..end
}

/// Offsets of the chunks that hold them.
pub fn chunks(rows: &Range<usize>) -> impl Iterator<Item = usize> + use<> {
    let first = rows.start / CHUNK;
    let end = rows.end.div_ceil(CHUNK);
    (first..end).map(|n| n * CHUNK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_stays_inside_the_list() {
        assert_eq!(visible(0.0, 640.0, 32.0, 50_000), 0..32);
        assert_eq!(visible(32_000.0, 640.0, 32.0, 50_000), 988..1032);
        assert_eq!(visible(1e9, 640.0, 32.0, 100), 68..100, "never past the end");
        assert_eq!(visible(32_000.0, 640.0, 32.0, 3), 0..3, "shorter than the box");
        assert_eq!(visible(-5.0, 640.0, 0.0, 10), 0..10);
        assert_eq!(visible(0.0, 640.0, 32.0, 0), 0..0);
    }

    #[test]
    fn chunks_cover_the_window() {
        assert_eq!(chunks(&(0..32)).collect::<Vec<_>>(), [0]);
        assert_eq!(chunks(&(988..1032)).collect::<Vec<_>>(), [950, 1000]);
        assert_eq!(chunks(&(50..100)).collect::<Vec<_>>(), [50]);
        assert_eq!(chunks(&(7..7)).count(), 1);
    }
}

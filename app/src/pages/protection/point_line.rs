//! Recovery points on a line from the oldest to now; full copies stand out by form.

use crate::state::Clock;
use leptos::prelude::*;
use model::{Millis, Page, protection::RecoveryPoint};

/// Place of each point in percent, and whether it is a full copy.
fn places(points: &[RecoveryPoint], now: Millis) -> Vec<(f64, bool)> {
    let Some(from) = points.iter().map(|p| p.taken_at).min() else { return vec![] };
    let span = (now - from).max(1) as f64;
    points.iter().map(|p| (((p.taken_at - from) as f64 / span * 99.0).clamp(0.0, 99.0), p.full)).collect()
}

/// Decoration: the table below says the same in words.
#[component]
pub fn PointLine(page: RwSignal<Page<RecoveryPoint>>) -> impl IntoView {
    let now = Clock::get();
    let mark = |(left, full): (f64, bool)| {
        let (y, height, class) = if full { ("0", "24", "full") } else { ("8", "16", "delta") };
        view! { <rect class=class x=format!("{left:.2}%") y=y width="3" height=height rx="1"></rect> }
    };
    view! {
        <svg class="point-line" width="100%" height="26" aria-hidden="true">
            <rect class="rail" y="24" width="100%" height="1"></rect>
            {move || page.with(|p| places(&p.items, now.get())).into_iter().map(mark).collect_view()}
        </svg>
        <p class="point-ends" aria-hidden="true"><span>"oldest"</span><span>"tall: full copy · short: changes"</span><span>"now"</span></p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_keep_their_order_and_stay_on_the_line() {
        let point = |taken_at: Millis, full| RecoveryPoint {
            id: taken_at.to_string(),
            member_id: "m".into(),
            cloud_id: "c".into(),
            seq: 1,
            taken_at,
            committed_at: taken_at,
            full,
            bytes: 0,
            held: false,
            missing_since: None,
        };
        let line = places(&[point(100, false), point(0, true)], 200);
        assert_eq!(line, [(49.5, false), (0.0, true)]);
        assert_eq!(places(&[point(500, true)], 200), [(0.0, true)]);
    }
}

//! Recovery points on a line from the oldest to now; full copies stand out by form.

use crate::{components::age::local, format, state::Clock};
use leptos::prelude::*;
use model::{Millis, Page, protection::RecoveryPoint};

/// The line is drawn anew for the passing of time this often: a pointer that rests on a bar keeps it.
const STEP_MS: Millis = 10_000;

/// Place of each point in percent, and the point.
fn places(points: &[RecoveryPoint], now: Millis) -> Vec<(f64, &RecoveryPoint)> {
    let Some(from) = points.iter().map(|p| p.taken_at).min() else { return vec![] };
    let span = (now - from).max(1) as f64;
    points.iter().map(|p| (((p.taken_at - from) as f64 / span * 99.0).clamp(0.0, 99.0), p)).collect()
}

fn words(point: &RecoveryPoint, time: &str) -> String {
    let kind = if point.full { "full copy" } else { "changes" };
    format!("Point {} of {time}, {kind}, {}", point.seq, format::bytes(point.bytes))
}

/// Decoration: the table below says the same in words.
#[component]
pub fn PointLine(page: RwSignal<Page<RecoveryPoint>>) -> impl IntoView {
    let clock = Clock::get();
    let now = Memo::new(move |_| (clock.get() + STEP_MS - 1).div_euclid(STEP_MS) * STEP_MS);
    // The reader's zone is known in the browser only; the server's text must be the browser's first one.
    let ready = RwSignal::new(false);
    Effect::new(move |_| ready.set(true));
    let time = move |at: Millis| if ready.get() { local(at, format::date_time) } else { format!("{} UTC", format::date_time(at, 0)) };
    let mark = move |(left, point): (f64, &RecoveryPoint)| {
        let (y, height, class) = if point.full { ("0", "24", "full") } else { ("8", "16", "delta") };
        let x = format!("{left:.2}%");
        view! {
            <g>
                <title>{words(point, &time(point.taken_at))}</title>
                <rect class="hit" x=x.clone() width="11" height="26" transform="translate(-4 0)"></rect>
                <rect class=class x=x y=y width="3" height=height rx="1"></rect>
            </g>
        }
    };
    let oldest = move || page.with(|p| p.items.iter().map(|i| i.taken_at).min()).map(time);
    view! {
        <svg class="point-line" width="100%" height="26" aria-hidden="true">
            <rect class="rail" y="24" width="100%" height="1"></rect>
            {move || page.with(|p| places(&p.items, now.get()).into_iter().map(mark).collect_view())}
        </svg>
        <p class="point-ends num" aria-hidden="true">
            <span>{oldest}</span>
            <span>"tall: full copy · short: changes"</span>
            <span>"now, " {move || time(now.get().min(clock.get()))}</span>
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(taken_at: Millis, full: bool) -> RecoveryPoint {
        RecoveryPoint {
            id: taken_at.to_string(),
            member_id: "m".into(),
            cloud_id: "c".into(),
            seq: 1,
            taken_at,
            committed_at: taken_at,
            full,
            bytes: 2048,
            held: false,
            missing_since: None,
        }
    }

    #[test]
    fn points_keep_their_order_and_stay_on_the_line() {
        let left = |points: &[RecoveryPoint]| places(points, 200).iter().map(|(left, p)| (*left, p.full)).collect::<Vec<_>>();
        assert_eq!(left(&[point(100, false), point(0, true)]), [(49.5, false), (0.0, true)]);
        assert_eq!(left(&[point(500, true)]), [(0.0, true)]);
    }

    #[test]
    fn a_bar_says_which_point_it_is() {
        assert_eq!(words(&point(0, true), "1970-01-01 00:00:00"), "Point 1 of 1970-01-01 00:00:00, full copy, 2.0 KiB");
    }
}

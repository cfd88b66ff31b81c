//! The worst lag of a site against its objective, counting up while nobody looks.

use crate::{components::status::Tone, format, state::Clock};
use leptos::prelude::*;
use model::{Millis, overview::Totals};

/// `at` is when the totals were read: the lag has grown since.
pub fn figure(totals: &Totals, at: Millis) -> impl IntoView + use<> {
    let clock = Clock::get();
    let totals = *totals;
    let now = Signal::derive(move || totals.worst_lag_ms.map(|lag| lag + (clock.get() - at).max(0)));
    let text = move || match (now.get(), totals.protected) {
        (Some(lag), _) => format::age(lag),
        (None, 0) => "–".to_owned(),
        (None, _) => "no point yet".to_owned(),
    };
    let objective = totals.worst_rpo_seconds.map(|s| view! { <small>" of " {format::seconds(s)}</small> });
    view! {
        <div data-tone=move || tone(now.get(), &totals).map(Tone::as_str)>
            <dt>"Worst lag of RPO"</dt>
            <dd>{text} {objective}</dd>
        </div>
    }
}

/// Nothing to say about it while nothing is protected.
fn tone(lag_ms: Option<i64>, totals: &Totals) -> Option<Tone> {
    let objective = i64::from(totals.worst_rpo_seconds?) * 1000;
    match lag_ms {
        Some(lag) if lag <= objective && totals.in_breach == 0 => None,
        _ if totals.protected == 0 => None,
        _ => Some(Tone::Bad),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn red_only_above_the_objective() {
        let totals = Totals { protected: 3, worst_rpo_seconds: Some(30), ..Totals::default() };
        assert_eq!(tone(Some(30_000), &totals), None);
        assert_eq!(tone(Some(30_001), &totals), Some(Tone::Bad));
        assert_eq!(tone(None, &totals), Some(Tone::Bad));
        assert_eq!(tone(None, &Totals::default()), None);
        assert_eq!(tone(Some(1), &Totals { in_breach: 1, ..totals }), Some(Tone::Bad));
    }
}

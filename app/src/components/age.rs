//! Instants and ages. A figure without its age can lie; an age that stands still does too: these count.

use crate::{format, state::Clock};
use leptos::prelude::*;
use model::Millis;

/// "12 s", counting up; the exact time is in the tooltip. `None` reads as `never`.
#[component]
pub fn Age(
    #[prop(into)] at: Signal<Option<Millis>>,
    /// What stands there when there is no instant.
    #[prop(optional, into)]
    never: Option<&'static str>,
) -> impl IntoView {
    let clock = Clock::get();
    let text = move || at.get().map_or_else(|| never.unwrap_or("never").to_owned(), |t| format::age(clock.get() - t));
    view! {
        <time class="num" datetime=move || at.get().map(format::iso) title=move || at.get().map(|t| local(t, format::date_time))>
            {text}
        </time>
    }
}

/// Time of the day, in the reader's zone once the browser runs (before that in UTC, and it says so).
#[component]
pub fn TimeOfDay(#[prop(into)] at: Signal<Millis>) -> impl IntoView {
    let shown = zoned(at, format::time_of_day);
    view! {
        <time class="num" datetime=move || format::iso(at.get()) title=move || local(at.get(), format::date_time)>
            {shown}
        </time>
    }
}

/// Date and time.
#[component]
pub fn DateTime(#[prop(into)] at: Signal<Millis>) -> impl IntoView {
    let shown = zoned(at, format::date_time);
    view! {
        <time class="num" datetime=move || format::iso(at.get())>
            {shown}
        </time>
    }
}

/// The server's text must be the browser's first text: the zone comes with the first effect.
fn zoned(at: Signal<Millis>, write: fn(Millis, i32) -> String) -> impl Fn() -> String + Copy + Send + Sync + 'static {
    let ready = RwSignal::new(false);
    Effect::new(move |_| ready.set(true));
    move || if ready.get() { local(at.get(), write) } else { format!("{} UTC", write(at.get(), 0)) }
}

/// In the reader's time zone, as it was at that instant.
pub fn local(at: Millis, write: fn(Millis, i32) -> String) -> String {
    write(at, zone(at))
}

/// Minutes east of UTC.
#[cfg(feature = "hydrate")]
fn zone(at: Millis) -> i32 {
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at as f64));
    -(date.get_timezone_offset() as i32)
}

#[cfg(not(feature = "hydrate"))]
fn zone(_: Millis) -> i32 {
    0
}

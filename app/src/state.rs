//! Who is signed in, kept for the whole tab.

use leptos::prelude::*;
use model::access::Me;

/// Provided by the shell; `None` before the answer and when nobody is signed in.
#[derive(Clone, Copy)]
pub struct Session(pub RwSignal<Option<Me>>);

#[cfg(feature = "hydrate")]
pub fn csrf() -> String {
    use_context::<Session>().and_then(|s| s.0.with_untracked(|me| me.as_ref().map(|m| m.csrf.clone()))).unwrap_or_else(csrf_of_page)
}

/// The shell writes it into `<meta name="csrf">` too: a click right after hydration has no context yet.
#[cfg(feature = "hydrate")]
fn csrf_of_page() -> String {
    let meta = web_sys::window().and_then(|w| w.document()).and_then(|d| d.query_selector("meta[name=csrf]").ok().flatten());
    meta.and_then(|m| m.get_attribute("content")).unwrap_or_default()
}

/// A key that no earlier request had: random where the browser gives randomness.
#[cfg(feature = "hydrate")]
pub fn fresh_key() -> String {
    format!("{:x}-{:x}-{:x}", js_sys::Date::now() as u64, (js_sys::Math::random() * 4e15) as u64, (js_sys::Math::random() * 4e15) as u64)
}

//! Who is signed in, and what time it is at the node: kept for the whole tab.

use leptos::prelude::*;
use model::{
    Millis,
    access::{Me, Role},
};

/// Provided by the app; `None` before the answer and when nobody is signed in.
#[derive(Clone, Copy)]
pub struct Session(pub RwSignal<Option<Me>>);

impl Session {
    pub fn provide() {
        provide_context(Self(RwSignal::new(None)));
        Simulated::provide();
    }

    /// Outside the app (a test) nobody is signed in.
    pub fn get() -> Self {
        use_context().unwrap_or_else(|| Self(RwSignal::new(None)))
    }

    /// Reactive. While the answer is under way nobody may anything: buttons need the browser's half anyway.
    pub fn may(self, role: Role) -> bool {
        self.0.with(|me| me.as_ref().is_some_and(|m| m.role >= role))
    }

    /// Why not, in words for a disabled button.
    pub fn refusal(self, role: Role) -> Option<String> {
        (!self.may(role)).then(|| format!("Needs the role {}.", role.as_str()))
    }
}

/// Is any cloud of this node simulated? Every screen must say so, also those that nobody has signed in for: the server
/// tells it with the page, and the browser's half keeps it in mind.
#[derive(Clone, Copy)]
pub struct Simulated(pub RwSignal<bool>);

/// Provided by the server for each page.
#[derive(Clone, Copy)]
pub struct AnySimulated(pub bool);

impl Simulated {
    fn provide() {
        let told = SharedValue::new(|| use_context::<AnySimulated>().is_some_and(|s| s.0));
        provide_context(Self(RwSignal::new(told.into_inner())));
    }

    pub fn get() -> RwSignal<bool> {
        use_context::<Self>().map_or_else(|| RwSignal::new(false), |s| s.0)
    }
}

/// The node's time, ticking each second: what all ages count against.
#[derive(Clone, Copy)]
pub struct Clock(pub RwSignal<Millis>);

impl Clock {
    pub fn provide() {
        let clock = RwSignal::new(now());
        #[cfg(feature = "hydrate")]
        Effect::new(move |_| {
            let _ = set_interval_with_handle(move || clock.set(now()), std::time::Duration::from_secs(1));
        });
        provide_context(Self(clock));
    }

    pub fn get() -> Signal<Millis> {
        use_context::<Self>().map_or_else(|| Signal::derive(now), |c| c.0.into())
    }
}

/// The node's clock; in the browser its own clock, corrected by what the page said when it arrived.
#[cfg(not(feature = "hydrate"))]
pub fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(feature = "hydrate")]
pub fn now() -> Millis {
    js_sys::Date::now() as Millis + skew()
}

#[cfg(feature = "hydrate")]
fn skew() -> Millis {
    thread_local!(static SKEW: Millis = read_skew());
    SKEW.with(|s| *s)
}

#[cfg(feature = "hydrate")]
fn read_skew() -> Millis {
    let root = web_sys::window().and_then(|w| w.document()).and_then(|d| d.document_element());
    root.and_then(|e| e.get_attribute("data-skew")).and_then(|s| s.parse().ok()).unwrap_or(0)
}

#[cfg(feature = "hydrate")]
thread_local!(static CSRF: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) });

/// For every change that the page sends.
#[cfg(feature = "hydrate")]
pub fn csrf() -> String {
    CSRF.with(|c| c.borrow().clone())
}

/// Kept beside the session's signal: a request is sent from where no reactive context is.
#[cfg(feature = "hydrate")]
pub fn remember_csrf(token: &str) {
    CSRF.with(|c| c.replace(token.to_owned()));
}

/// A key that no earlier request had: random where the browser gives randomness.
#[cfg(feature = "hydrate")]
pub fn fresh_key() -> String {
    format!("{:x}-{:x}-{:x}", js_sys::Date::now() as u64, (js_sys::Math::random() * 4e15) as u64, (js_sys::Math::random() * 4e15) as u64)
}

/// The session is over: sign in again, and come back here.
#[cfg(feature = "hydrate")]
pub fn to_sign_in() {
    let Some(location) = web_sys::window().map(|w| w.location()) else { return };
    let path = location.pathname().unwrap_or_default();
    if path != "/sign-in" {
        let here = path + &location.search().unwrap_or_default();
        let next = String::from(js_sys::encode_uri_component(&here));
        let _ = location.assign(&format!("/sign-in?next={next}"));
    }
}

/// For a value inside an address.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b':' | b'*' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_an_address_reads_otherwise_is_escaped() {
        assert_eq!(escape("site:berlin mem>8G &ü"), "site:berlin%20mem%3E8G%20%26%C3%BC");
    }
}

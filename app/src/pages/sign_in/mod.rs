//! Sign in, and the forced change of a one-time password.

mod change;
mod form;

pub use change::ChangeForm;

use crate::{
    components::{page_header::PageHeader, simulated_badge::AnySimulated},
    state::Session,
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

#[component]
pub fn SignInPage() -> impl IntoView {
    let next = use_query_map();
    let next = Signal::derive(move || safe(next.with(|q| q.get("next")).as_deref()));
    let session = Session::get();
    // What was typed as the one-time password is not asked for again.
    let password = RwSignal::new(String::new());
    let must_change = move || session.0.with(|me| me.as_ref().is_some_and(|m| m.must_change_password));
    view! {
        <main id="main" class="door">
            <div class="door-panel">
                <p class="brand">
                    <svg class="brand-mark" viewBox="0 0 16 16" aria-hidden="true">
                        <path class="brand-a" d="M1 12 8 4v8z"></path>
                        <path class="brand-b" d="M15 12 8 4v8z"></path>
                    </svg>
                    "Crossfade" <AnySimulated/>
                </p>
                <Show
                    when=must_change
                    fallback=move || view! {
                        <PageHeader title="Sign in"/>
                        <form::SignInForm next=next password=password/>
                    }
                >
                    <PageHeader title="Choose your own password"/>
                    <p class="soft">"The password that you were given works once."</p>
                    <ChangeForm old=password old_label="The one-time password" done=Callback::new(move |_| enter(&next.get_untracked()))/>
                </Show>
            </div>
        </main>
    }
}

/// Only addresses of this console: a link must not lead elsewhere after signing in.
fn safe(next: Option<&str>) -> String {
    match next {
        Some(path) if path.starts_with('/') && !path.starts_with("//") && !path.contains('\\') && !path.contains(char::is_control) => {
            path.into()
        }
        _ => "/".into(),
    }
}

/// A whole new page: it is rendered for the one who is now signed in.
fn enter(next: &str) {
    #[cfg(feature = "hydrate")]
    if let Some(window) = web_sys::window() {
        let _ = window.location().assign(next);
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = next;
}

/// Forms here need the browser's half: without it a press would put the password into the address.
fn ready() -> Signal<bool> {
    let ready = RwSignal::new(false);
    Effect::new(move |_| ready.set(true));
    ready.into()
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn the_way_after_signing_in_stays_here() {
        assert_eq!(safe(Some("/machines?q=site:berlin")), "/machines?q=site:berlin");
        for bad in ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", ""] {
            assert_eq!(safe(Some(bad)), "/", "{bad:?}");
        }
        assert_eq!(safe(None), "/");
    }
}

//! Who is signed in, the scheme, and the way out.

use super::theme::ThemeChoice;
use crate::{api, components::toast::Toasts};
use leptos::prelude::*;
use model::access::Me;

/// `<details>` opens without any script; the way out needs one.
#[component]
pub fn UserMenu(me: Me, password: RwSignal<bool>) -> impl IntoView {
    let sign_out = way_out();
    view! {
        <details class="menu">
            <summary>{me.name.clone()}</summary>
            <div class="menu-body">
                <p class="menu-about">{me.name} ", " {me.role.as_str()}<br/>"Node " {me.node} ", version " {me.version}</p>
                <ThemeChoice/>
                <button type="button" class="button" on:click=move |_| password.set(true)>"Change password …"</button>
                <button type="button" class="button" on:click=move |_| sign_out()>"Sign out"</button>
            </div>
        </details>
    }
}

/// Called where the context is; the answer may be called from anywhere.
pub fn way_out() -> impl Fn() + Copy + Send + Sync + 'static {
    let toasts = Toasts::get();
    move || {
        leptos::task::spawn_local(async move {
            match api::delete::<serde_json::Value>("/session").await {
                Ok(_) => leave(),
                Err(error) => toasts.error(&error),
            }
        });
    }
}

/// A whole new page: nothing of the session stays in memory.
fn leave() {
    #[cfg(feature = "hydrate")]
    if let Some(window) = web_sys::window() {
        let _ = window.location().assign("/sign-in");
    }
}

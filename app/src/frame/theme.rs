//! Light, dark, or as the system says. Kept in the browser; the shell applies it before the first paint.

use leptos::prelude::*;

pub const CHOICES: [(&str, &str); 3] = [("", "Auto"), ("light", "Light"), ("dark", "Dark")];

/// The one that is chosen, for all places that show it.
#[derive(Clone, Copy)]
struct Theme(RwSignal<String>);

pub fn provide() {
    let chosen = RwSignal::new(String::new());
    Effect::new(move |_| chosen.set(stored()));
    provide_context(Theme(chosen));
}

/// Called where the context is; the answer may be called from anywhere.
pub fn chooser() -> impl Fn(&str) + Copy + Send + Sync + 'static {
    let theme = use_context::<Theme>();
    move |key| {
        store(key);
        if let Some(Theme(chosen)) = theme {
            chosen.set(key.to_owned());
        }
    }
}

#[component]
pub fn ThemeChoice() -> impl IntoView {
    let (theme, choose) = (use_context::<Theme>(), chooser());
    let button = move |(key, label): (&'static str, &'static str)| {
        let pressed = move || theme.is_some_and(|Theme(chosen)| chosen.get() == key).to_string();
        view! { <button type="button" class="button small" aria-pressed=pressed on:click=move |_| choose(key)>{label}</button> }
    };
    view! { <div class="segments" role="group" aria-label="Colour scheme">{CHOICES.map(button).collect_view()}</div> }
}

#[cfg(feature = "hydrate")]
fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()?
}

#[cfg(feature = "hydrate")]
fn stored() -> String {
    storage().and_then(|s| s.get_item("theme").ok().flatten()).unwrap_or_default()
}

#[cfg(feature = "hydrate")]
fn store(key: &str) {
    if let Some(storage) = storage() {
        let _ = if key.is_empty() { storage.remove_item("theme") } else { storage.set_item("theme", key) };
    }
    let root = web_sys::window().and_then(|w| w.document()).and_then(|d| d.document_element());
    if let Some(root) = root {
        let _ = if key.is_empty() { root.remove_attribute("data-theme") } else { root.set_attribute("data-theme", key) };
    }
}

#[cfg(not(feature = "hydrate"))]
fn stored() -> String {
    String::new()
}

#[cfg(not(feature = "hydrate"))]
fn store(_: &str) {}

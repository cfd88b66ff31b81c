//! Move to cloud.

use leptos::prelude::*;

/// `machine` is the identifier. Opens while `open` is true and sets it to false when it closes.
#[component]
pub fn MoveDialog(machine: String, open: RwSignal<bool>) -> impl IntoView {
    view! { <dialog prop:open=open aria-label=format!("Move {machine}")></dialog> }
}

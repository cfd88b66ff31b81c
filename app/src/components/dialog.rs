//! A native `<dialog>`: the browser keeps the focus inside, closes on Escape and gives the focus back.

use leptos::{html, prelude::*};

/// Shown while `open`. The content is only drawn then, so that it starts afresh each time.
#[component]
pub fn Dialog(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    /// `wide` for tables inside.
    #[prop(optional, into)]
    look: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = node.get() else { return };
        #[cfg(feature = "hydrate")]
        if open.get() && !dialog.open() {
            let _ = dialog.show_modal();
        } else if !open.get() && dialog.open() {
            dialog.close();
        }
        #[cfg(not(feature = "hydrate"))]
        let _ = dialog;
    });
    view! {
        <dialog class=format!("dialog {look}") node_ref=node on:close=move |_| open.set(false) aria-label=title>
            <header class="dialog-head">
                <h2>{title}</h2>
                <button type="button" class="button quiet icon" aria-label="Close" on:click=move |_| open.set(false)>
                    "✕"
                </button>
            </header>
            <Show when=move || open.get()>{children()}</Show>
        </dialog>
    }
}

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
        let (dialog, open_now) = (node.get(), open.get());
        if let Some(dialog) = dialog {
            follow(dialog, open_now, open);
        }
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

/// A dialog that is asked for by the address is built before its page stands in the document, while the page waits for
/// what it shows; until then the browser refuses to show it.
#[cfg(feature = "hydrate")]
fn follow(dialog: web_sys::HtmlDialogElement, open_now: bool, open: RwSignal<bool>) {
    match (open_now, dialog.open()) {
        (true, false) if !dialog.is_connected() => request_animation_frame(move || {
            if let Some(open_now) = open.try_get_untracked() {
                follow(dialog, open_now, open);
            }
        }),
        (true, false) => {
            // Only refused when it is shown already, which was looked at.
            let _ = dialog.show_modal();
        }
        (false, true) => dialog.close(),
        _ => {}
    }
}

#[cfg(not(feature = "hydrate"))]
fn follow<D>(_: D, _: bool, _: RwSignal<bool>) {}

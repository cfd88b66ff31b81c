//! A text to take along, with a button. Where the browser gives no clipboard the text is marked, and that is said.

use super::clipboard;
use leptos::{html, prelude::*};

#[component]
pub fn CopyBox(
    #[prop(into)] text: String,
    /// The clipboard was refused already: begin with the text marked.
    #[prop(optional)]
    marked: bool,
) -> impl IntoView {
    let shown = NodeRef::<html::Output>::new();
    let said = RwSignal::new("");
    let mark = move || {
        if let Some(element) = shown.get_untracked() {
            clipboard::select(&element);
            said.set("The browser gives this page no clipboard (that needs HTTPS or localhost). The text is marked: press Ctrl-C.");
        }
    };
    Effect::new(move |_| {
        if marked && shown.get().is_some() {
            // After the dialog has taken the focus.
            set_timeout(mark, std::time::Duration::from_millis(50));
        }
    });
    let own = text.clone();
    let press = move |_| {
        let text = own.clone();
        said.set("");
        leptos::task::spawn_local(async move {
            if clipboard::copy(text).await {
                said.try_set("Copied.");
            } else {
                mark();
            }
        });
    };
    view! {
        <output class="secret-once" node_ref=shown>{text}</output>
        <p class="line-up">
            <button type="button" class="button" on:click=press>"Copy"</button>
            <span class="soft" role="status">{said}</span>
        </p>
    }
}

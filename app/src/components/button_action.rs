//! A button that asks the API for something: says that it is under way, that it went wrong, or why it is refused.

use crate::{api, components::toast::Toasts};
use leptos::prelude::*;
use std::future::Future;

/// `run` is called on a press, never twice at once. An error goes to a toast with its operation id.
///
/// ```ignore
/// <ButtonAction label="Pause" run=move || async move { api::post::<_, Group>(&path, &()).await.map(drop) }/>
/// ```
#[component]
pub fn ButtonAction<F, R>(
    #[prop(into)] label: Signal<String>,
    run: F,
    /// Why it cannot be pressed now; shown on hover, on focus and to screen readers.
    #[prop(optional, into)]
    refused: Signal<Option<String>>,
    /// `primary`, `danger`, `quiet`, `small`; several with a space.
    #[prop(optional, into)]
    look: &'static str,
    /// Said in a toast when it worked.
    #[prop(optional, into)]
    done: Option<String>,
) -> impl IntoView
where
    F: Fn() -> R + Clone + Send + Sync + 'static,
    R: Future<Output = api::Result<()>> + 'static,
{
    let pending = RwSignal::new(false);
    // What the last press led to is no news any more once it is pressed again.
    let refusal = StoredValue::new(None::<u64>);
    let toasts = Toasts::get();
    let press = move |_| {
        if pending.get_untracked() || refused.with_untracked(Option::is_some) {
            return;
        }
        pending.set(true);
        refusal.try_update_value(Option::take).flatten().into_iter().for_each(|toast| toasts.dismiss(toast));
        let (work, done) = (run(), done.clone());
        leptos::task::spawn_local(async move {
            match work.await {
                Ok(()) => done.into_iter().for_each(|text| toasts.say(text)),
                Err(error) => {
                    refusal.try_set_value(Some(toasts.refusal(&error)));
                }
            }
            pending.try_set(false);
        });
    };
    // What was asked for may lead to another page, and end this button while it is told of it.
    let busy = move || pending.try_get().unwrap_or_default();
    let why = move || refused.try_get().flatten();
    view! {
        <span class="action">
            <button
                type="button"
                class=format!("button {look}")
                aria-disabled=move || (busy() || why().is_some()).to_string()
                aria-busy=move || busy().to_string()
                title=why
                on:click=press
            >
                {label}
            </button>
            {move || why().map(|why| view! { <span class="action-why" aria-hidden="true">{why}</span> })}
        </span>
    }
}

//! A whole number in a range. What does not fit stays on the screen with the reason, and stops the save.

use super::editor::Draft;
use crate::components::{field::TextField, number::whole};
use leptos::prelude::*;
use std::ops::RangeInclusive;

#[component]
pub fn NumberField(
    draft: Draft,
    label: &'static str,
    #[prop(into)] id: String,
    /// Whose number it is, for the list of what stands against the save.
    #[prop(into)]
    about: String,
    range: RangeInclusive<u32>,
    value: Signal<u32>,
    on_change: impl Fn(u32) + Copy + Send + Sync + 'static,
    /// What the node said of it.
    #[prop(optional, into)]
    said: Signal<Option<String>>,
) -> impl IntoView {
    let text = RwSignal::new(value.get_untracked().to_string());
    let parsed = Memo::new(move |_| text.with(|t| whole(t, &range, "seconds")));
    let fault = Signal::derive(move || parsed.get().err());
    draft.watch(id.clone(), format!("{about}, {}", label.to_lowercase()), fault);
    Effect::new(move |_| {
        if let Ok(n) = parsed.get()
            && n != value.get_untracked()
        {
            on_change(n);
        }
    });
    let error = Signal::derive(move || fault.get().or_else(|| said.get()));
    view! { <TextField label name=id value=text kind="number" error/> }
}

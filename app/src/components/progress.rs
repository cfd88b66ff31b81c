//! How far something is. `<progress>` needs no style attribute, and screen readers know it.

use super::status::Tone;
use crate::format;
use leptos::prelude::*;
use model::Transfer;

/// A part of a whole, with its words.
#[component]
pub fn Progress(
    #[prop(into)] done: Signal<u64>,
    #[prop(into)] total: Signal<u64>,
    #[prop(into)] label: String,
    /// Of what it is the progress of; under way when left out.
    #[prop(optional, into)]
    tone: Option<Signal<Tone>>,
) -> impl IntoView {
    view! {
        <progress class="progress" data-tone=move || tone.map(|t| t.get().as_str()) max=move || total.get().max(1).to_string() value=move || done.get().to_string() aria-label=label></progress>
    }
}

/// Bytes on their way: bar, amounts, throughput and the time that is left.
#[component]
pub fn TransferProgress(#[prop(into)] transfer: Signal<Transfer>) -> impl IntoView {
    let words = move || format::transfer(&transfer.get());
    view! {
        <div class="transfer">
            <Progress done=Signal::derive(move || transfer.get().done) total=Signal::derive(move || transfer.get().total) label="Transfer"/>
            <span class="transfer-words num">{words}</span>
        </div>
    }
}

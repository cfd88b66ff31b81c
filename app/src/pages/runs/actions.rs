//! Pause, resume and cancel the whole run. What cannot be done says why.

use super::{
    command::{give, refusal},
    words,
};
use crate::components::button_action::ButtonAction;
use leptos::prelude::*;
use model::run::{RunCommand, RunDetail, RunState};

#[component]
pub fn RunActions(detail: RwSignal<RunDetail>) -> impl IntoView {
    let over = Memo::new(move |_| detail.with(|d| d.run.state.is_over()));
    let paused = Memo::new(move |_| detail.with(|d| d.run.state == RunState::Paused));
    view! {
        <Show when=move || !over.get()>
            <div class="run-actions" role="group" aria-label="Commands">
                <Show
                    when=move || paused.get()
                    fallback=move || view! {
                        <ButtonAction label="Pause" refused=refusal(detail, "pause") run=move || give(detail, RunCommand::Pause)/>
                    }
                >
                    <ButtonAction label="Resume" look="primary" refused=refusal(detail, "resume") run=move || give(detail, RunCommand::Resume)/>
                </Show>
                <ButtonAction label="Cancel the run" look="danger" refused=refusal(detail, "cancel") run=move || give(detail, RunCommand::Cancel)/>
            </div>
        </Show>
    }
}

/// Why the run cannot be cancelled, in plain sight: whoever looks for that button is in a hurry.
#[component]
pub fn WhyNotCancel(detail: RwSignal<RunDetail>) -> impl IntoView {
    let why = Memo::new(move |_| detail.with(|d| if d.run.state.is_over() { None } else { words::refusal(d, "cancel") }));
    move || why.get().map(|why| view! { <p class="refused">"It cannot be cancelled now: "{why}</p> })
}

//! Pause, resume and cancel the whole run. What cannot be done says why.

use super::{
    command::{give, refusal},
    words,
};
use crate::components::{button_action::ButtonAction, confirm_dialog::ConfirmDialog};
use leptos::prelude::*;
use model::run::{RunCommand, RunDetail, RunState};

#[component]
pub fn RunActions(detail: RwSignal<RunDetail>) -> impl IntoView {
    let over = Memo::new(move |_| detail.with(|d| d.run.state.is_over()));
    let paused = Memo::new(move |_| detail.with(|d| d.run.state == RunState::Paused));
    let asking = RwSignal::new(false);
    let title = Signal::derive(move || detail.with(|d| format!("Cancel “{}”?", d.run.title)));
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
                <ButtonAction
                    label="Cancel the run …" look="danger" refused=refusal(detail, "cancel")
                    run=move || async move { asking.set(true); Ok(()) }
                />
            </div>
            <ConfirmDialog open=asking title=title verb="Cancel the run" run=move || give(detail, RunCommand::Cancel)>
                <p>"The step under way ends first. Then what the run has begun is undone, so that everything is as it was before."</p>
            </ConfirmDialog>
        </Show>
    }
}

/// Why the run cannot be cancelled, in plain sight: whoever looks for that button is in a hurry.
#[component]
pub fn WhyNotCancel(detail: RwSignal<RunDetail>) -> impl IntoView {
    let why = Memo::new(move |_| detail.with(|d| if d.run.state.is_over() { None } else { words::refusal(d, "cancel") }));
    move || why.get().map(|why| view! { <p class="refused">"It cannot be cancelled now: "{why}</p> })
}

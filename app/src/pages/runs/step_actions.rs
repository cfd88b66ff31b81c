//! What a person can decide about one step: try it again, skip it with a reason, answer its question.

use super::{
    command::{give, refusal},
    words,
};
use crate::components::{button_action::ButtonAction, field::Field};
use leptos::{html, prelude::*};
use model::run::{RunCommand, RunDetail, Step, StepState};

#[component]
pub fn StepActions(step: Memo<Step>, detail: RwSignal<RunDetail>) -> impl IntoView {
    let stuck = Memo::new(move |_| detail.with(|d| words::is_stuck(&step.get(), d)));
    let asks = Memo::new(move |_| step.with(|s| s.state == StepState::Waiting));
    view! {
        <Show when=move || asks.get()>
            <Answer step detail/>
        </Show>
        <Show when=move || stuck.get()>
            <Stuck step detail/>
        </Show>
    }
}

fn key(step: Memo<Step>) -> String {
    step.with_untracked(|s| s.key.clone())
}

/// A prompt: the run waits until somebody says go on or stop.
#[component]
fn Answer(step: Memo<Step>, detail: RwSignal<RunDetail>) -> impl IntoView {
    let comment = RwSignal::new(String::new());
    let answer = move |proceed| give(detail, RunCommand::Answer { step: key(step), proceed, comment: comment.get_untracked() });
    let refused = refusal(detail, "answer");
    view! {
        <div class="step-form" role="group" aria-label="Answer">
            <Field label="Comment, kept with the run" name=format!("answer-{}", key(step))>
                <textarea class="input" id=format!("answer-{}", key(step)) rows="2" bind:value=comment></textarea>
            </Field>
            <div class="row">
                <ButtonAction label="Proceed" look="primary" refused run=move || answer(true)/>
                <ButtonAction label="Stop here" look="danger" refused run=move || answer(false)/>
            </div>
        </div>
    }
}

#[component]
fn Stuck(step: Memo<Step>, detail: RwSignal<RunDetail>) -> impl IntoView {
    let skipping = RwSignal::new(false);
    let retry = move || give(detail, RunCommand::RetryStep { step: key(step) });
    view! {
        <div class="row">
            <ButtonAction label="Try again" look="small" refused=refusal(detail, "retry_step") run=retry/>
            <button
                type="button" class="button small"
                aria-expanded=move || skipping.get().to_string()
                on:click=move |_| skipping.update(|s| *s = !*s)
            >"Skip …"</button>
        </div>
        <Show when=move || skipping.get()>
            <Skip step detail open=skipping/>
        </Show>
    }
}

/// A skipped step needs a reason: whoever reads the run later must know why it was left out.
#[component]
fn Skip(step: Memo<Step>, detail: RwSignal<RunDetail>, open: RwSignal<bool>) -> impl IntoView {
    let reason = RwSignal::new(String::new());
    let held = refusal(detail, "skip_step");
    let refused = Signal::derive(move || held.get().or_else(|| reason.with(|r| r.trim().is_empty()).then(|| "Say why first.".into())));
    let focus = NodeRef::<html::Textarea>::new();
    Effect::new(move |_| focus.get().map(|field| field.focus()));
    let name = format!("skip-{}", key(step));
    let skip = move || give(detail, RunCommand::SkipStep { step: key(step), reason: reason.get_untracked() });
    view! {
        <div class="step-form" role="group" aria-label="Skip">
            <Field label="Why is it skipped?" name=name.clone() help="What needs this step is skipped with it.">
                <textarea class="input" id=name node_ref=focus rows="2" bind:value=reason></textarea>
            </Field>
            <div class="row">
                <ButtonAction label="Skip this step" look="danger" refused run=skip/>
                <button type="button" class="button" on:click=move |_| open.set(false)>"Leave it"</button>
            </div>
        </div>
    }
}

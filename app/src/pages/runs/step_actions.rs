//! What a person can decide about one step: try it again, skip it with a reason, answer its question.
//! Only what the node offers has a button; what it refuses says why.

use super::{
    command::give,
    skip::Skip,
    words::{self, Offer},
};
use crate::{
    components::{button_action::ButtonAction, field::Field},
    state::Session,
};
use leptos::prelude::*;
use model::{
    access::Role,
    run::{RunCommand, RunDetail, Step},
};

#[component]
pub fn StepActions(step: Memo<Step>, detail: RwSignal<RunDetail>) -> impl IntoView {
    let of = move |command: &'static str| Memo::new(move |_| detail.with(|d| step.with(|s| words::offer(d, command, &s.key))));
    let (retry, skip, answer) = (of("retry_step"), of("skip_step"), of("answer"));
    let give_up = of("give_up");
    let none = move || retry.with(|r| *r == Offer::None) && skip.with(|s| *s == Offer::None);
    let skipping = RwSignal::new(false);
    view! {
        <Show when=move || answer.with(|a| *a != Offer::None)><Answer step detail/></Show>
        <Show when=move || !none()>
            <div class="row">
                <Retry step detail offer=retry/>
                <SkipButton offer=skip skipping/>
                <Show when=move || give_up.with(|g| *g == Offer::Possible)><GiveUp step detail/></Show>
            </div>
        </Show>
        <Show when=move || skipping.get() && skip.with(|s| *s == Offer::Possible)>
            <Skip step detail open=skipping/>
        </Show>
    }
}

pub fn key(step: Memo<Step>) -> String {
    step.with_untracked(|s| s.key.clone())
}

/// Nobody but operators may decide.
pub fn by_role() -> Signal<Option<String>> {
    let session = Session::get();
    Signal::derive(move || session.refusal(Role::Operator))
}

#[component]
fn Retry(step: Memo<Step>, detail: RwSignal<RunDetail>, offer: Memo<Offer>) -> impl IntoView {
    move || match offer.get() {
        Offer::None => ().into_any(),
        Offer::Refused(why) => view! { <p class="refused">"It cannot be tried again: "{why}</p> }.into_any(),
        Offer::Possible => {
            let run = move || give(detail, RunCommand::RetryStep { step: key(step) });
            view! { <ButtonAction label="Try again" look="small" refused=by_role() run/> }.into_any()
        }
    }
}

/// The machine is not handed over: it is started again where it was.
#[component]
fn GiveUp(step: Memo<Step>, detail: RwSignal<RunDetail>) -> impl IntoView {
    let run = move || give(detail, RunCommand::Answer { step: key(step), proceed: false, comment: "given up".into() });
    view! { <ButtonAction label="Give up, start it again where it was" look="small" refused=by_role() run/> }
}

#[component]
fn SkipButton(offer: Memo<Offer>, skipping: RwSignal<bool>) -> impl IntoView {
    move || match offer.get() {
        Offer::None => ().into_any(),
        Offer::Refused(why) => view! { <p class="refused">"It cannot be skipped: "{why}</p> }.into_any(),
        Offer::Possible => view! {
            <button
                type="button" class="button small"
                aria-expanded=move || skipping.get().to_string()
                on:click=move |_| skipping.update(|s| *s = !*s)
            >"Skip …"</button>
        }
        .into_any(),
    }
}

/// A prompt: the run waits until somebody says go on or stop. A stop that could not be proved asks for a statement.
#[component]
fn Answer(step: Memo<Step>, detail: RwSignal<RunDetail>) -> impl IntoView {
    let comment = RwSignal::new(String::new());
    let stop = step.with_untracked(|s| s.kind == "stop_source");
    let label = if stop { "To go on, type the statement word for word" } else { "Comment, kept with the run" };
    let answer = move |proceed| give(detail, RunCommand::Answer { step: key(step), proceed, comment: comment.get_untracked() });
    view! {
        <div class="step-form" role="group" aria-label="Answer">
            <Field label name=format!("answer-{}", key(step))>
                <textarea class="input" id=format!("answer-{}", key(step)) rows="2" bind:value=comment></textarea>
            </Field>
            <div class="row">
                <ButtonAction label="Proceed" look=if stop { "danger" } else { "primary" } refused=by_role() run=move || answer(true)/>
                <ButtonAction label="Stop here" refused=by_role() run=move || answer(false)/>
            </div>
        </div>
    }
}

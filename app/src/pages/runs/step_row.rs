//! One step: its state as shape, word and colour; what was observed; its bar; what can be decided about it.

use super::{scale::Scale, step_actions::StepActions, words};
use crate::{
    components::{
        progress::TransferProgress,
        status::{Shown, StatusOf},
    },
    format,
    state::Clock,
};
use leptos::prelude::*;
use model::run::{RunDetail, Step, StepState};

#[component]
pub fn StepRow(key: String, detail: RwSignal<RunDetail>, scale: Memo<Scale>) -> impl IntoView {
    let Some(first) = detail.with_untracked(|d| d.steps.iter().find(|s| s.key == key).cloned()) else { return ().into_any() };
    let step = Memo::new(move |_| detail.with(|d| d.steps.iter().find(|s| s.key == key).cloned()).unwrap_or_else(|| first.clone()));
    view! {
        <li class="step" data-tone=move || step.with(|s| s.state.tone().as_str())>
            <div class="step-words">
            <StatusOf<StepState> of=Signal::derive(move || step.with(|s| s.state))/>
            <div class="step-text">
                <p class="step-title">
                    {move || step.with(|s| s.title.clone())}
                    <Show when=move || step.with(|s| s.cutover)><span class="badge">"cutover"</span></Show>
                    {move || step.with(|s| (s.attempt > 1).then(|| view! { <span class="badge">{format!("attempt {}", s.attempt)}</span> }))}
                </p>
                <Observed step detail/>
                <StepActions step detail/>
            </div>
            </div>
            <Track step scale/>
        </li>
    }
    .into_any()
}

/// The message; bytes on their way; what a pending step waits for.
#[component]
fn Observed(step: Memo<Step>, detail: RwSignal<RunDetail>) -> impl IntoView {
    let waits = Memo::new(move |_| detail.with(|d| words::waits_for(&step.get(), d)));
    let moving = Memo::new(move |_| step.with(|s| (s.state == StepState::Running).then_some(s.transfer).flatten()));
    view! {
        {move || step.with(|s| s.message.clone()).map(|m| view! { <p class="step-message">{m}</p> })}
        {move || moving.get().map(|transfer| view! { <TransferProgress transfer/> })}
        {move || waits.with(|w| w.split_first().map(|(first, rest)| view! {
            <p class="step-waits">"Waits for: "{first.clone()}{more(rest.len())}</p>
        }))}
    }
}

fn more(n: usize) -> Option<String> {
    (n > 0).then(|| format!(" and {n} more"))
}

#[component]
fn Track(step: Memo<Step>, scale: Memo<Scale>) -> impl IntoView {
    let now = Clock::get();
    let took = move || {
        let (from, to) = step.with(|s| (s.started_at, s.finished_at));
        from.map(|from| format::duration((to.unwrap_or_else(|| now.get()) - from).max(0).unsigned_abs()))
    };
    let bar = move || step.with(|s| scale.get().bar(s, now.get()));
    view! {
        <div class="step-track">
            <svg class="track" width="100%" height="10" aria-hidden="true">
                <rect class="rail" width="100%" height="10" rx="2"></rect>
                {move || bar().map(|b| view! { <rect class="bar" x=format!("{:.2}%", b.left) width=format!("{:.2}%", b.width) height="10" rx="2"></rect> })}
            </svg>
            <span class="step-took">{took}</span>
        </div>
    }
}

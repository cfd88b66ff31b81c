//! The head of a run: its state, the running clock, how far it is, and why it waits.

use super::{
    actions::{RunActions, WhyNotCancel},
    clock, words,
};
use crate::{
    components::{
        age::DateTime,
        page_header::PageHeader,
        progress::Progress,
        status::{Shown, StatusOf},
    },
    format,
    state::Clock,
};
use leptos::prelude::*;
use model::run::{RunDetail, RunKind, RunState};

#[component]
pub fn RunHeader(detail: RwSignal<RunDetail>) -> impl IntoView {
    let title = Signal::derive(move || detail.with(|d| d.run.title.clone()));
    let about = Signal::derive(move || {
        detail.with(|d| format!("{} of {}, started by {}", words::kind(d.run.kind), d.run.subject, d.run.created_by))
    });
    let state = Signal::derive(move || detail.with(|d| d.run.state));
    view! {
        <PageHeader title about back=("/runs", "Runs")>
            <RunActions detail/>
        </PageHeader>
        <section class="run-head" data-tone=move || state.get().tone().as_str() aria-label="State of the run">
            <div class="run-state"><StatusOf<RunState> of=state/></div>
            <Clocks detail/>
            <Steps detail/>
            {move || detail.with(|d| d.run.message.clone()).map(|m| view! { <p class="run-message">{m}</p> })}
            <WhyNotCancel detail/>
        </section>
    }
}

#[component]
fn Clocks(detail: RwSignal<RunDetail>) -> impl IntoView {
    let now = Clock::get();
    let elapsed = move || reading(detail, detail.with(|d| clock::elapsed(&d.run, now.get())));
    let label = move || {
        detail.with(|d| match (d.run.kind, d.run.state.is_over()) {
            (RunKind::Failover, false) => "Recovery time, running",
            (RunKind::Move, false) => "Time since start",
            (_, true) => "The whole run took",
        })
    };
    let away = move || detail.with(|d| clock::away(d, now.get()));
    view! {
        <dl class="clocks">
            <div class="clock-main"><dt>{label}</dt><dd class="num"><span role="timer" aria-live="off">{elapsed}</span></dd></div>
            {move || away().map(|ms| view! { <div><dt>"Machine away"</dt><dd class="num"><span role="timer" aria-live="off">{reading(detail, ms)}</span></dd></div> })}
            {move || detail.with(|d| d.run.started_at).map(|at| view! { <div class="clock-small"><dt>"Started"</dt><dd><DateTime at/></dd></div> })}
            {move || detail.with(|d| d.run.owner.clone()).map(|node| view! { <div class="clock-small"><dt>"Driven by"</dt><dd>{node}</dd></div> })}
        </dl>
    }
}

/// Whole seconds while it runs, tenths once it stands still.
fn reading(detail: RwSignal<RunDetail>, ms: i64) -> String {
    if detail.with(|d| d.run.state.is_over()) { format::duration(ms.unsigned_abs()) } else { format::age(ms) }
}

#[component]
fn Steps(detail: RwSignal<RunDetail>) -> impl IntoView {
    let counts = Memo::new(move |_| detail.with(|d| (d.run.steps_done, d.run.steps_total)));
    view! {
        <div class="run-progress">
            <Progress label="Steps that are over" done=Signal::derive(move || counts.get().0.into()) total=Signal::derive(move || counts.get().1.into()) tone=Signal::derive(move || detail.with(|d| d.run.state.tone()))/>
            <span role="status">{move || format!("{} of {} steps over", counts.get().0, counts.get().1)}</span>
        </div>
    }
}

//! What happened, newest first: the same rows as the audit and the reports.

use crate::components::{
    age::TimeOfDay,
    status::{Shown, Status},
};
use leptos::prelude::*;
use model::run::{RunDetail, RunEvent};

#[component]
pub fn RunLog(detail: RwSignal<RunDetail>) -> impl IntoView {
    let seqs = Memo::new(move |_| detail.with(|d| d.events.iter().rev().map(|e| e.seq).collect::<Vec<_>>()));
    let line = move |seq: i64| detail.with_untracked(|d| d.events.iter().find(|e| e.seq == seq).cloned());
    view! {
        <section class="run-log" aria-labelledby="log-title">
            <h2 id="log-title">"Log "<small>{move || format!("{} lines, newest first", seqs.with(Vec::len))}</small></h2>
            <ol>
                <For each=move || seqs.get() key=|seq| *seq let:seq>
                    {line(seq).map(|event| view! { <Line event/> })}
                </For>
            </ol>
        </section>
    }
}

#[component]
fn Line(event: RunEvent) -> impl IntoView {
    let loud = event.severity != model::Severity::Info;
    view! {
        <li>
            <TimeOfDay at=event.at/>
            <span class="log-text">
                {loud.then(|| view! { <Status tone=event.severity.tone() label=event.severity.word()/> })}
                {event.step.map(|step| view! { <code>{step}</code> })}
                " "{event.text}
            </span>
        </li>
    }
}

//! The steps of a run by priority group, each with a bar that shows when it ran and for how long.

use super::{scale::Scale, step_row::StepRow, words};
use crate::{format, state::Clock};
use leptos::prelude::*;
use model::run::RunDetail;

#[component]
pub fn Timeline(detail: RwSignal<RunDetail>) -> impl IntoView {
    let now = Clock::get();
    let scale = Memo::new(move |_| detail.with(|d| Scale::of(&d.run, now.get())));
    let groups = Memo::new(move |_| detail.with(groups));
    view! {
        <section class="run-timeline" aria-labelledby="timeline-title">
            <div class="run-timeline-head">
                <h2 id="timeline-title">"Steps"</h2>
                <Axis scale/>
            </div>
            <For each=move || groups.get() key=|g| *g let:group>
                <PriorityGroup group detail scale/>
            </For>
            <Show when=move || groups.with(Vec::is_empty)>
                <p class="empty">"No steps yet: a node writes them down when it takes the run."</p>
            </Show>
        </section>
    }
}

/// The priority groups that have steps, in order.
fn groups(detail: &RunDetail) -> Vec<u8> {
    let mut groups: Vec<u8> = detail.steps.iter().map(|s| s.priority).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// Decoration: the durations are in the rows as text. SVG, since the security policy allows no style attribute.
#[component]
fn Axis(scale: Memo<Scale>) -> impl IntoView {
    let tick = |(offset, left): (i64, f64)| {
        let (anchor, words) =
            (if left > 95.0 { "end" } else { "start" }, if offset < 1000 { format!("{offset} ms") } else { format::age(offset) });
        view! { <text x=format!("{left:.2}%") y="12" text-anchor=anchor>{if offset == 0 { "0".to_owned() } else { words }}</text> }
    };
    view! {
        <svg class="run-axis" width="100%" height="16" aria-hidden="true">
            {move || scale.get().ticks().into_iter().map(tick).collect_view()}
        </svg>
    }
}

#[component]
fn PriorityGroup(group: u8, detail: RwSignal<RunDetail>, scale: Memo<Scale>) -> impl IntoView {
    let keys =
        Memo::new(move |_| detail.with(|d| d.steps.iter().filter(|s| s.priority == group).map(|s| s.key.clone()).collect::<Vec<_>>()));
    let over = Memo::new(move |_| detail.with(|d| d.steps.iter().filter(|s| s.priority == group && s.state.is_over()).count()));
    let title = format!("group-{group}");
    let id = title.clone();
    view! {
        <section class="step-group" aria-labelledby=title>
            <h3 id=id>
                {words::priority(group)}
                <small>{move || format!("{} of {} over", over.get(), keys.with(Vec::len))}</small>
            </h3>
            <ol class="steps">
                <For each=move || keys.get() key=String::clone let:key>
                    <StepRow key detail scale/>
                </For>
            </ol>
        </section>
    }
}

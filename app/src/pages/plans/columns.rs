//! The five priority groups side by side, each with its machines.

use super::{draft, editor::Draft, machine_card::MachineCard};
use leptos::prelude::*;

#[component]
pub fn Columns(draft: Draft) -> impl IntoView {
    view! {
        <section aria-labelledby="priorities-title">
            <h2 id="priorities-title">"Priority groups"</h2>
            <p class="sub">"Machines of one group start together; the next group waits until they are well."</p>
            <div class="plan-columns">
                {draft::PRIORITIES.map(|priority| view! { <PriorityColumn priority draft/> }).collect_view()}
            </div>
        </section>
    }
}

#[component]
fn PriorityColumn(priority: u8, draft: Draft) -> impl IntoView {
    let ids = Memo::new(move |_| {
        let here = draft.spec.with(|s| draft.groups.with(|p| draft::at_priority(s, &p.items, priority)));
        here.into_iter().map(|m| (m.id, m.name)).collect::<Vec<_>>()
    });
    let title = format!("priority-{priority}");
    let heading = title.clone();
    view! {
        <section class="plan-column" aria-labelledby=heading>
            <h3 id=title>{format!("Priority {priority}")}<small>{move || ids.with(Vec::len)}</small></h3>
            <For each=move || ids.get() key=Clone::clone let:member>
                <MachineCard member=member.0 name=member.1 priority draft/>
            </For>
            <Show when=move || ids.with(Vec::is_empty)><p class="sub">"none"</p></Show>
        </section>
    }
}

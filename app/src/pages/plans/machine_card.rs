//! One machine of a plan: in which priority group, after whom, and how it is known to be well.

use super::{
    draft,
    editor::Draft,
    health,
    health_fields::{HealthFields, HealthForm},
    number_field::NumberField,
};
use leptos::prelude::*;
use model::{
    Id, limits,
    plan::{PlanMachine, PlanSpec},
};

#[component]
pub fn MachineCard(member: Id, name: String, priority: u8, draft: Draft) -> impl IntoView {
    let member = StoredValue::new(member);
    let settings = Memo::new(move |_| draft.spec.with(|s| member.with_value(|m| draft::settings(s, m))));
    let move_to = move |priority: u8| draft.spec.update(|s| member.with_value(|m| draft::set_priority(s, m, priority)));
    let field = member.with_value(|m| format!("priority-of-{m}"));
    let about = name.clone();
    view! {
        <article class="plan-machine" aria-label=name.clone()>
            <header>
                <b>{name.clone()}</b>
                <label class="unseen" for=field.clone()>{format!("Priority of {name}")}</label>
                <select class="input small" id=field on:change:target=move |e| move_to(e.target().value().parse().unwrap_or(priority))>
                    {draft::PRIORITIES.map(|p| view! { <option value=p.to_string() selected=p == priority>{p}</option> }).collect_view()}
                </select>
            </header>
            <p class="sub">{move || draft.groups.with(|p| settings.with(|s| summary(s, |id| name_of(&p.items, id))))}</p>
            <details class="more">
                <summary>"Settings"</summary>
                <Settings member name=about draft settings/>
            </details>
        </article>
    }
}

fn name_of(groups: &[model::protection::Group], id: &str) -> String {
    groups.iter().flat_map(|g| &g.members).find(|m| m.id == id).map_or_else(|| "a machine that left the group".into(), |m| m.name.clone())
}

fn summary(settings: &PlanMachine, name: impl Fn(&str) -> String) -> String {
    let mut words = vec![format!("well when: {}, within {} s", health::summary(&settings.health), settings.health_timeout_seconds)];
    if settings.start_delay_seconds > 0 {
        words.push(format!("starts {} s later", settings.start_delay_seconds));
    }
    if !settings.after.is_empty() {
        words.push(format!("after {}", settings.after.iter().map(|id| name(id)).collect::<Vec<_>>().join(", ")));
    }
    words.join("; ")
}

#[component]
fn Settings(member: StoredValue<Id>, name: String, draft: Draft, settings: Memo<PlanMachine>) -> impl IntoView {
    let id = member.get_value();
    let form = HealthForm::new(&settings.with_untracked(|s| s.health.clone()));
    let change = move |apply: &dyn Fn(&mut PlanMachine)| {
        draft.spec.update(|s: &mut PlanSpec| member.with_value(|m| draft::edit(s, m, |p| apply(p))))
    };
    // As the node names the fields of this machine: by its place in the list of settings.
    let said = move |field: &'static str| {
        draft.said(move || {
            let place = draft.spec.with(|s| member.with_value(|m| s.machines.iter().position(|p| p.member_id == *m)));
            place.map(|n| format!("machines[{n}].{field}"))
        })
    };
    draft.watch(format!("{id}-health"), format!("{name}, health check"), Signal::derive(move || form.fault().get().map(|f| f.1)));
    Effect::new(move |_| {
        if let Ok(check) = form.draft().parse()
            && settings.with_untracked(|s| s.health != check)
        {
            change(&|p| p.health = check.clone());
        }
    });
    view! {
        <After member draft settings/>
        <label class="choice">
            <input
                type="checkbox" prop:checked=move || settings.with(|s| s.always_start)
                on:change:target=move |e| { let on = e.target().checked(); change(&|p| p.always_start = on) }
            />
            <span>"Start it even if it was off"</span>
        </label>
        <HealthFields id=id.clone() form/>
        <NumberField
            draft label="Give it, seconds" id=format!("{id}-timeout") about=name.clone() range=limits::HEALTH_TIMEOUT_SECONDS said=said("health_timeout_seconds")
            value=Signal::derive(move || settings.with(|s| s.health_timeout_seconds)) on_change=move |n| change(&|p| p.health_timeout_seconds = n)
        />
        <NumberField
            draft label="Start later by, seconds" id=format!("{id}-delay") about=name.clone() range=limits::START_DELAY_SECONDS said=said("start_delay_seconds")
            value=Signal::derive(move || settings.with(|s| s.start_delay_seconds)) on_change=move |n| change(&|p| p.start_delay_seconds = n)
        />
    }
}

/// The machines of the same priority group, as boxes to tick; one that would make a circle cannot be ticked.
#[component]
fn After(member: StoredValue<Id>, draft: Draft, settings: Memo<PlanMachine>) -> impl IntoView {
    let others = Memo::new(move |_| {
        let here = draft.spec.with(|s| draft.groups.with(|p| draft::at_priority(s, &p.items, settings.with(|m| m.priority))));
        here.into_iter().filter(|m| member.with_value(|own| *own != m.id)).map(|m| (m.id, m.name)).collect::<Vec<_>>()
    });
    view! {
        <Show when=move || others.with(|o| !o.is_empty())>
            <fieldset class="choices">
                <legend>"Waits until these are well"</legend>
                <For each=move || others.get() key=Clone::clone let:other>
                    <Other member other draft settings/>
                </For>
            </fieldset>
        </Show>
    }
}

#[component]
fn Other(member: StoredValue<Id>, other: (Id, String), draft: Draft, settings: Memo<PlanMachine>) -> impl IntoView {
    let (id, name) = other;
    let other = StoredValue::new(id);
    let on = Memo::new(move |_| other.with_value(|o| settings.with(|s| s.after.contains(o))));
    let refused = Memo::new(move |_| draft.spec.with(|s| member.with_value(|m| other.with_value(|o| draft::may_follow(s, m, o)))).err());
    let toggle = move |on| {
        draft.spec.update(|s| {
            // A refused one is disabled; should it come through, the draft stays as it is.
            let _ = member.with_value(|m| other.with_value(|o| draft::toggle_after(s, m, o, on)));
        })
    };
    view! {
        <label class="choice">
            <input
                type="checkbox" prop:checked=move || on.get() disabled=move || refused.get().is_some() && !on.get()
                on:change:target=move |e| toggle(e.target().checked())
            />
            <span>{name}{move || refused.get().filter(|_| !on.get()).map(|why| view! { <small>" "{why}</small> })}</span>
        </label>
    }
}

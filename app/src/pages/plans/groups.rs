//! Which protection groups the plan brings up. All of one plan have the same two sites.

use super::{draft, editor::Draft};
use leptos::prelude::*;
use model::{plan::PlanSpec, protection::Group};

#[component]
pub fn Groups(draft: Draft) -> impl IntoView {
    let ids = Memo::new(move |_| draft.groups.with(|p| p.items.iter().map(|g| g.id.clone()).collect::<Vec<_>>()));
    let group = move |id: &str| draft.groups.with(|p| p.items.iter().find(|g| g.id == id).cloned());
    view! {
        <fieldset class="choices">
            <legend>"Protection groups"</legend>
            <For each=move || ids.get() key=String::clone let:id>
                {group(&id).map(|group| view! { <Choice group draft/> })}
            </For>
            <Show when=move || ids.with(Vec::is_empty)>
                <p class="note"><span>"There is no protection group yet. "<a href="/protection/new">"Make one first"</a>"."</span></p>
            </Show>
        </fieldset>
    }
}

/// Why a group cannot be in this plan.
fn refusal(spec: &PlanSpec, groups: &[Group], group: &Group) -> Option<String> {
    let other = groups.iter().find(|g| g.id != group.id && spec.group_ids.contains(&g.id))?;
    let same = other.protected_site == group.protected_site && other.recovery_site == group.recovery_site;
    (!same).then(|| format!("goes from {} to {}, the others of this plan do not", group.protected_site, group.recovery_site))
}

#[component]
fn Choice(group: Group, draft: Draft) -> impl IntoView {
    let label = format!("{} → {}, {} machines", group.protected_site, group.recovery_site, group.members.len());
    let name = group.name.clone();
    let group = StoredValue::new(group);
    let id = move || group.with_value(|g| g.id.clone());
    let chosen = Memo::new(move |_| draft.spec.with(|s| s.group_ids.contains(&id())));
    let why = Memo::new(move |_| draft.spec.with(|s| draft.groups.with(|p| group.with_value(|g| refusal(s, &p.items, g)))));
    let toggle = move |on| draft.spec.update(|s| draft.groups.with_untracked(|p| draft::toggle_group(s, &p.items, &id(), on)));
    view! {
        <label class="choice">
            <input
                type="checkbox" prop:checked=move || chosen.get() disabled=move || why.get().is_some() && !chosen.get()
                on:change:target=move |e| toggle(e.target().checked())
            />
            <span><b>{name}</b>" "{label}{move || why.get().map(|w| format!(" ({w})"))}</span>
        </label>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_other_sites_are_refused() {
        let group = |id: &str, from: &str| Group {
            version: 0,
            id: id.into(),
            name: id.into(),
            protected_site: from.into(),
            recovery_site: "dublin".into(),
            target_cloud_id: "c".into(),
            target_cloud: "c".into(),
            policy: Default::default(),
            networks: vec![],
            storage: vec![],
            paused: false,
            members: vec![],
            further: vec![],
            created_at: 0,
        };
        let groups = [group("a", "berlin"), group("b", "berlin"), group("c", "paris")];
        let spec = PlanSpec { group_ids: vec!["a".into()], ..PlanSpec::default() };
        assert_eq!(refusal(&spec, &groups, &groups[0]), None);
        assert_eq!(refusal(&spec, &groups, &groups[1]), None);
        assert!(refusal(&spec, &groups, &groups[2]).is_some());
    }
}

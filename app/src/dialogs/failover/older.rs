//! Machines that come up from an older recovery point than the newest: after an attack the newest may hold the damage.

use super::loss::Choices;
use crate::{
    api,
    components::field::SelectField,
    dialogs::points::{GivenUp, PointField, Usual},
};
use leptos::prelude::*;
use model::{Page, protection::RecoveryPoint, run::BlastRadius};

#[component]
pub fn OlderPoints(radius: RwSignal<Option<BlastRadius>>, choices: Choices) -> impl IntoView {
    let (member, point) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let machines = Signal::derive(move || {
        let all = radius.with(|r| r.as_ref().map(|r| r.machines.clone()).unwrap_or_default());
        let known = all.into_iter().filter(|m| m.newest_point_at.is_some()).map(|m| (m.member_id, m.name));
        std::iter::once((String::new(), "Choose a machine".to_owned())).chain(known).collect::<Vec<_>>()
    });
    let found = LocalResource::new(move || {
        let id = member.get();
        async move {
            match id.as_str() {
                "" => Ok(Page { items: vec![], next: None, total: None }),
                id => api::get::<Page<RecoveryPoint>>(&format!("/members/{id}/points?limit=200")).await,
            }
        }
    });
    let points = Signal::derive(move || match found.get() {
        Some(Ok(page)) => page.items,
        _ => vec![],
    });
    let choose = move |_| {
        let chosen =
            points.with_untracked(|p| p.iter().find(|p| point.with_untracked(|id| *id == p.id)).map(|p| (p.id.clone(), p.taken_at)));
        choices.update(|all| {
            let id = member.get_untracked();
            match chosen {
                Some(chosen) => drop(all.insert(id, chosen)),
                None => drop(all.remove(&id)),
            }
        });
    };
    view! {
        <details class="more">
            <summary>"Recover machines from an older point"</summary>
            <div class="plan-row" role="group" aria-label="An older recovery point">
                <SelectField label="Machine" name="older-machine" value=member options=machines/>
                <PointField name="older-point" label="Recovery point" value=point points usual=Usual::Newest/>
                <button type="button" class="button small" on:click=choose>"Use it"</button>
            </div>
            <Chosen radius choices/>
        </details>
    }
}

#[component]
fn Chosen(radius: RwSignal<Option<BlastRadius>>, choices: Choices) -> impl IntoView {
    let name = move |id: &str| {
        radius.with(|r| r.as_ref().and_then(|r| r.machines.iter().find(|m| m.member_id == id).map(|m| m.name.clone()))).unwrap_or_default()
    };
    view! {
        <ul>
            {move || choices.get().into_iter().map(|(id, (_, at))| view! {
                <li>{name(&id)}": "<GivenUp at/></li>
            }).collect_view()}
        </ul>
    }
}

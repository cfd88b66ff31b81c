//! One protection group: its machines, their recovery points, its policy.

use super::{
    edit::GroupTools, follow, group_card, members::Members, new_group::NewGroupPage, places::Places, points::Points, policy::PolicyFacts,
    targets::Targets,
};
use crate::{
    components::{
        load::{Fresh, load},
        page_header::PageHeader,
        status::Status,
    },
    live,
    state::Clock,
};
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use model::{live::Topic, protection::Group};

/// `/protection/new` is the form of a group that is not there yet.
#[component]
pub fn GroupPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id").unwrap_or_default()));
    move || match id.get().as_str() {
        "new" => view! { <NewGroupPage/> }.into_any(),
        id => view! { <Existing id=id.to_owned()/> }.into_any(),
    }
}

#[component]
fn Existing(id: String) -> impl IntoView {
    load(
        move || format!("/groups/{id}"),
        &[Topic::Group],
        |fresh: Fresh<Group>| {
            live::on(&[Topic::Member], None, move |event| {
                let mine = fresh.value.try_with_untracked(|g| follow::is_of(g, event)).flatten();
                let taken = fresh.value.try_update(|g| follow::apply([g], event));
                if mine == Some(true) && taken == Some(false) || event.data.is_null() {
                    fresh.reload();
                }
            });
            view! { <Shown group=fresh.value/> }
        },
    )
}

#[component]
fn Shown(group: RwSignal<Group>) -> impl IntoView {
    let now = Clock::get();
    let verdict = Memo::new(move |_| group.with(|g| group_card::verdict(g, now.get())));
    let query = use_query_map();
    let chosen = Memo::new(move |_| query.with(|q| q.get("member")));
    let title = Signal::derive(move || group.with(|g| g.name.clone()));
    let about = Signal::derive(move || group.with(|g| format!("{} → {} ({})", g.protected_site, g.recovery_site, g.target_cloud)));
    view! {
        <PageHeader title about back=("/protection", "Protection")>
            <GroupTools group/>
        </PageHeader>
        <p class="verdict"><Status tone=Signal::derive(move || verdict.with(|v| v.0)) label=Signal::derive(move || verdict.with(|v| v.1.clone()))/></p>
        <Members group chosen/>
        {move || chosen.get().map(|member| view! { <Points member group/> })}
        <Targets group/>
        <Places group/>
        <PolicyFacts group/>
    }
}

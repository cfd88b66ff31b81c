//! All protection groups, each with its lag against the objective, live.

use super::{follow, group_card::GroupCard};
use crate::{
    components::{
        empty_state::EmptyState,
        load::{Fresh, load},
        page_header::PageHeader,
    },
    live,
};
use leptos::prelude::*;
use model::{Page, live::Topic, protection::Group};

#[component]
pub fn ProtectionPage() -> impl IntoView {
    view! {
        <PageHeader title="Protection" about="Groups of machines whose disks are copied to another site all the time.">
            <a class="button primary" href="/protection/new">"New group"</a>
        </PageHeader>
        {load(|| "/groups?limit=500".into(), &[Topic::Group], |page: Fresh<Page<Group>>| {
            live::on(&[Topic::Member], None, move |event| {
                if page.value.try_update(|p| follow::apply(&mut p.items, event)) == Some(false) {
                    page.reload();
                }
            });
            view! { <Groups page=page.value/> }
        })}
    }
}

#[component]
fn Groups(page: RwSignal<Page<Group>>) -> impl IntoView {
    let ids = Memo::new(move |_| page.with(|p| p.items.iter().map(|g| g.id.clone()).collect::<Vec<_>>()));
    view! {
        <Show when=move || ids.with(Vec::is_empty)>
            <EmptyState title="No protection group yet">
                <p>"Nothing could be recovered if a site were lost. Make a group: choose machines, and the cloud that keeps their recovery points."</p>
                <a class="button primary" href="/protection/new">"New group"</a>
            </EmptyState>
        </Show>
        <div class="group-list">
            <For each=move || ids.get() key=String::clone let:id>
                <GroupCard id page/>
            </For>
        </div>
    }
}

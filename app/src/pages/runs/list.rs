//! All runs: those under way first, then what is over, newest first.

use super::table::RunsTable;
use crate::components::{
    empty_state::EmptyState,
    load::{Fresh, load},
    page_header::PageHeader,
    pager::Pager,
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use model::{Page, live::Topic, run::Run};

const PAGE: u32 = 50;

#[component]
pub fn RunsPage() -> impl IntoView {
    let query = use_query_map();
    let cursor = Memo::new(move |_| query.with(|q| q.get("cursor")));
    let over = move || match cursor.get() {
        Some(cursor) => format!("/runs?state=over&limit={PAGE}&cursor={cursor}"),
        None => format!("/runs?state=over&limit={PAGE}"),
    };
    view! {
        <PageHeader title="Runs" about="Moves and failovers: what is under way, and what was observed."/>
        <h2>"Under way"</h2>
        {load(|| "/runs?state=active&limit=200".into(), &[Topic::Run], |active: Fresh<Page<Run>>| view! {
            <Shown page=active caption="Runs under way" none="Nothing is under way."/>
        })}
        <h2>"Over"</h2>
        {load(over, &[Topic::Run], move |page: Fresh<Page<Run>>| view! {
            <Shown page caption="Runs that are over" none="No run has ended yet."/>
            {move || view! { <Pager path="/runs" next=page.value.with(|p| p.next.clone()) first=cursor.get().is_none()/> }}
        })}
    }
}

#[component]
fn Shown(page: Fresh<Page<Run>>, caption: &'static str, none: &'static str) -> impl IntoView {
    let empty = Memo::new(move |_| page.value.with(|p| p.items.is_empty()));
    view! {
        <Show when=move || !empty.get() fallback=move || view! { <EmptyState title=none/> }>
            <RunsTable page=page.value caption/>
        </Show>
    }
}

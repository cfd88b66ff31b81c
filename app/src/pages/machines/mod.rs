//! All machines of all clouds on one page; 50,000 of them feel like 50.

mod bulk;
mod cells;
mod choice;
mod columns;
mod follow;
mod power;
mod query;
mod rows;
#[cfg(test)]
pub mod sample;
mod search;
mod table;
mod window;

use crate::{
    api,
    components::{error_note::ErrorNote, load::Loading, page_header::PageHeader},
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use model::{Page, machine::MachineRow};
use query::Query;

pub use power::power;

#[component]
pub fn MachinesPage() -> impl IntoView {
    let map = use_query_map();
    let query = Memo::new(move |_| map.with(|m| Query::new(m.get("q"), m.get("sort"))));
    let hidden = columns::chosen();
    let choice = choice::Choice::new();
    let first = Resource::new(
        move || query.get(),
        |query| async move {
            let answer = api::get::<Page<MachineRow>>(&query.path(0)).await;
            (query, answer)
        },
    );
    let draw = move || {
        Suspend::new(async move {
            match first.await {
                (query, Ok(page)) => view! { <table::MachineTable query=query page=page hidden=hidden choice=choice/> }.into_any(),
                (query, Err(error)) if search::span(&error).is_some() => search::wrong(&query.q, error).into_any(),
                (_, Err(error)) => view! { <ErrorNote error=error retry=Callback::new(move |()| first.refetch())/> }.into_any(),
            }
        })
    };
    view! {
        <PageHeader title="Machines">
            <columns::ColumnChoice hidden=hidden/>
        </PageHeader>
        <search::SearchBox query=query/>
        <Transition fallback=Loading>{draw}</Transition>
        <bulk::BulkBar choice=choice/>
    }
}

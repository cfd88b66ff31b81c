//! Activity: who did what, newest first. The same rows as the audit trail of the API.

mod filter;
mod table;

use crate::components::{
    empty_state::EmptyState,
    load::{Fresh, load},
    page_header::PageHeader,
    pager::Pager,
};
pub use table::subject;

use filter::Filter;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use model::{Page, access::AuditEvent, live::Topic};

const PAGE: u32 = 100;

#[component]
pub fn ActivityPage() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| {
        query.with(|q| filter::Words { subject: q.get("subject").unwrap_or_default(), actor: q.get("actor").unwrap_or_default() })
    });
    let cursor = Memo::new(move |_| query.with(|q| q.get("cursor")));
    let path = move || {
        let cursor = cursor.get().map(|c| format!("&cursor={c}")).unwrap_or_default();
        let words = filter.with(filter::Words::query);
        let words = if words.is_empty() { words } else { format!("&{words}") };
        format!("/audit?limit={PAGE}{words}{cursor}")
    };
    view! {
        <PageHeader title="Activity" about="Who did what: every change and every sign-in."/>
        <Filter words=filter/>
        {load(path, &[Topic::Audit], move |page: Fresh<Page<AuditEvent>>| {
            let none = move || if filter.with(filter::Words::is_empty) { "Nothing has happened yet" } else { "Nothing fits this filter" };
            view! {
                <Show when=move || page.value.with(|p| !p.items.is_empty()) fallback=move || view! { <EmptyState title=none()/> }>
                    <table::Events page=page.value/>
                </Show>
                {move || view! {
                    <Pager path="/activity" query=filter.with(filter::Words::query) next=page.value.with(|p| p.next.clone()) first=cursor.get().is_none()/>
                }}
            }
        })}
    }
}

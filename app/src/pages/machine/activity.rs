//! What was done with this machine, and by whom.

use crate::components::{
    age::Age,
    data_table::{Column, DataTable},
    load::{Fresh, load},
    status::{Status, Tone},
};
use leptos::prelude::*;
use model::{Id, Page, access::AuditEvent, live::Topic};

const COLUMNS: &[Column] = &[Column("When", "num"), Column("Who", ""), Column("What", ""), Column("Result", ""), Column("", "wide-only")];

#[component]
pub fn Activity(id: Id) -> impl IntoView {
    load(
        move || format!("/machines/{id}/activity?limit=20"),
        &[Topic::Audit],
        |page: Fresh<Page<AuditEvent>>| {
            let rows = move || page.value.with(|p| p.items.clone()).into_iter().map(line).collect_view();
            view! {
                <Show when=move || page.value.with(|p| !p.items.is_empty()) fallback=|| view! { <p class="soft">"Nothing yet."</p> }>
                    <DataTable caption="Activity of this machine" columns=COLUMNS>{rows}</DataTable>
                </Show>
            }
        },
    )
}

fn line(event: AuditEvent) -> impl IntoView {
    let (tone, word) = if event.ok { (Tone::Good, "Done") } else { (Tone::Bad, "Refused") };
    view! {
        <tr>
            <td class="num"><Age at=Some(event.at)/></td>
            <td>{event.actor}</td>
            <td class="code">{event.action}</td>
            <td><Status tone=tone label=word/></td>
            <td class="wide-only">{event.detail}</td>
        </tr>
    }
}

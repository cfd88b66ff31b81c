//! What was done with this machine, and by whom.

use crate::{
    components::{
        age::Age,
        data_table::{Column, DataTable},
        load::{Fresh, load},
        status::{Status, Tone},
    },
    pages::activity::subject,
};
use leptos::prelude::*;
use model::{Id, Page, access::AuditEvent, live::Topic};

const COLUMNS: &[Column] =
    &[Column("When", ""), Column("By", ""), Column("Did", ""), Column("Subject", ""), Column("Result", ""), Column("Detail", "wide-only")];

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
    let subject = subject(&event);
    let (tone, word) = if event.ok { (Tone::Good, "Done") } else { (Tone::Bad, "Refused") };
    view! {
        <tr>
            <td><Age at=Some(event.at)/>" ago"</td>
            <td>{event.actor}</td>
            <td class="code">{event.action}</td>
            <th scope="row">{subject}</th>
            <td><Status tone=tone label=word/></td>
            <td class="wide-only">{event.detail}</td>
        </tr>
    }
}

//! The lines of the audit trail.

use crate::components::{
    age::{Age, DateTime},
    data_table::{Column, DataTable},
    status::{Status, Tone},
};
use leptos::prelude::*;
use model::{Page, access::AuditEvent};

const COLUMNS: &[Column] = &[
    Column("When", ""),
    Column("By", ""),
    Column("Did", ""),
    Column("Subject", ""),
    Column("Result", ""),
    Column("Detail", ""),
    Column("From", "wide-only"),
];

#[component]
pub fn Events(page: RwSignal<Page<AuditEvent>>) -> impl IntoView {
    view! {
        <DataTable caption="Activity" columns=COLUMNS>
            <For each=move || page.with(|p| p.items.clone()) key=|e| e.seq let:event>
                <Row event/>
            </For>
        </DataTable>
    }
}

#[component]
fn Row(event: AuditEvent) -> impl IntoView {
    let (tone, label) = if event.ok { (Tone::Good, "Done") } else { (Tone::Bad, "Refused or failed") };
    view! {
        <tr>
            <td><DateTime at=event.at/><span class="sub"><Age at=Some(event.at)/>" ago"</span></td>
            <td>{event.actor}</td>
            <td><code>{event.action}</code></td>
            <th scope="row">{event.subject}</th>
            <td><Status tone label/></td>
            <td class="wrap">{event.detail}</td>
            <td class="wide-only">{event.address}</td>
        </tr>
    }
}

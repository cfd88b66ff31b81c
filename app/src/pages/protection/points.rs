//! The recovery points of one machine: on a time line, and as a table.

use super::point_line::PointLine;
use crate::{
    components::{
        age::{Age, DateTime},
        data_table::{Column, DataTable},
        empty_state::EmptyState,
        load::{Fresh, load},
    },
    format,
};
use leptos::prelude::*;
use model::{
    Page,
    live::Topic,
    protection::{Group, RecoveryPoint},
};

const COLUMNS: &[Column] = &[
    Column("Point", "num"),
    Column("Shows the disks of", ""),
    Column("Age", "num"),
    Column("Kind", ""),
    Column("Size", "num"),
    Column("Durable since", "wide-only"),
    Column("Held", ""),
];

#[component]
pub fn Points(member: String, group: RwSignal<Group>) -> impl IntoView {
    let id = member.clone();
    let name = move || group.with(|g| g.members.iter().find(|m| m.id == id).map(|m| m.name.clone())).unwrap_or_default();
    view! {
        <section id="points" class="points" aria-labelledby="points-title">
            <h2 id="points-title">"Recovery points of "{name}</h2>
            {load(move || format!("/members/{member}/points?limit=200"), &[Topic::Member], |page: Fresh<Page<RecoveryPoint>>| view! {
                <PointTable page=page.value/>
            })}
        </section>
    }
}

/// Line and table; also on the page of a machine.
#[component]
pub fn PointTable(page: RwSignal<Page<RecoveryPoint>>) -> impl IntoView {
    let empty = move || page.with(|p| p.items.is_empty());
    view! {
        <Show when=move || !empty() fallback=|| view! { <EmptyState title="No recovery point yet"/> }>
            <PointLine page/>
            <div class="tall">
                <DataTable caption="Recovery points" columns=COLUMNS>
                    <For each=move || page.with(|p| p.items.clone()) key=|p| (p.id.clone(), p.taken_at, p.held, p.missing_since) let:point>
                        <Row point/>
                    </For>
                </DataTable>
            </div>
        </Show>
        {move || page.with(|p| p.next.is_some()).then(|| view! { <p class="note">"Only the newest 200 are listed."</p> })}
    }
}

#[component]
fn Row(point: RecoveryPoint) -> impl IntoView {
    view! {
        <tr>
            <th scope="row" class="num">{point.seq}</th>
            <td><DateTime at=point.taken_at/></td>
            <td class="num"><Age at=Some(point.taken_at)/></td>
            <td>{if point.full { "Full copy" } else { "Changes" }}</td>
            <td class="num">{format::bytes(point.bytes)}</td>
            <td class="wide-only"><DateTime at=point.committed_at/></td>
            <td>{match (point.missing_since, point.held) {
                (Some(_), _) => "Missing at the target",
                (None, true) => "Held by a run",
                (None, false) => "",
            }}</td>
        </tr>
    }
}

//! The machines of a group: how replication stands for each, and what is wrong.

use super::{lag::LagBar, remove::RemoveMember};
use crate::{
    components::{
        age::Age,
        data_table::{Column, DataTable},
        empty_state::EmptyState,
        progress::TransferProgress,
        status::{Status, StatusOf, Tone},
    },
    format,
};
use leptos::prelude::*;
use model::protection::{Group, Member, ReplicationState};

const COLUMNS: &[Column] = &[
    Column("Machine", ""),
    Column("Replication", ""),
    Column("Lag", ""),
    Column("Points", "num"),
    Column("Last cycle", "num wide-only"),
    Column("Change", ""),
];

#[component]
pub fn Members(group: RwSignal<Group>, chosen: Memo<Option<String>>) -> impl IntoView {
    let ids = Memo::new(move |_| group.with(|g| g.members.iter().map(|m| m.id.clone()).collect::<Vec<_>>()));
    view! {
        <h2>"Machines"</h2>
        <Show
            when=move || ids.with(|i| !i.is_empty())
            fallback=|| view! { <EmptyState title="No machine yet: this group protects nothing"/> }
        >
            <DataTable caption="Machines of the group" columns=COLUMNS>
                <For each=move || ids.get() key=String::clone let:id>
                    <Row id group chosen/>
                </For>
            </DataTable>
        </Show>
    }
}

#[component]
fn Row(id: String, group: RwSignal<Group>, chosen: Memo<Option<String>>) -> impl IntoView {
    let find = move |id: &str| group.with(|g| g.members.iter().find(|m| m.id == id).cloned());
    let Some(first) = untrack(|| find(&id)) else { return ().into_any() };
    let own = id.clone();
    let here = move || chosen.with(|c| c.as_ref() == Some(&own));
    let (shown, points) = (here.clone(), format!("?member={id}#points"));
    let member = Memo::new(move |_| find(&id).unwrap_or_else(|| first.clone()));
    view! {
        <tr class:chosen=here>
            <th scope="row"><a href=move || member.with(|m| format!("/machines/{}", m.machine_id))>{move || member.with(|m| m.name.clone())}</a></th>
            <td><State member/></td>
            <td><LagBar
                replication=Signal::derive(move || member.with(|m| m.replication.clone()))
                policy=Signal::derive(move || group.with(|g| g.policy.clone()))
            /></td>
            <td class="num">
                <a href=points aria-current=move || shown().then_some("true") aria-label=move || member.with(|m| format!("{} recovery points of {}", m.replication.points, m.name))>
                    {move || member.with(|m| m.replication.points)}
                </a>
                {move || member.with(|m| (m.replication.missing > 0).then(|| format!(" + {} missing", m.replication.missing)))}
            </td>
            <td class="num wide-only">{move || member.with(last_cycle)}</td>
            <td><RemoveMember member group/></td>
        </tr>
    }
    .into_any()
}

fn last_cycle(member: &Member) -> String {
    let r = &member.replication;
    match (r.last_cycle_ms, r.last_cycle_bytes) {
        (Some(ms), Some(bytes)) => format!("{} in {}", format::bytes(bytes), format::duration(ms)),
        (Some(ms), None) => format::duration(ms),
        _ => "–".into(),
    }
}

/// State, the transfer under way, and the last error with its age and the next try.
#[component]
fn State(member: Memo<Member>) -> impl IntoView {
    let transfer = Memo::new(move |_| member.with(|m| m.replication.transfer));
    let warning = Memo::new(move |_| member.with(|m| m.warning.clone()));
    let error = Memo::new(move |_| member.with(|m| m.replication.last_error.clone()));
    view! {
        <StatusOf<ReplicationState> of=Signal::derive(move || member.with(|m| m.replication.state))/>
        <Show when=move || transfer.get().is_some()>
            <TransferProgress transfer=Signal::derive(move || transfer.get().unwrap_or_default())/>
        </Show>
        {move || warning.get().map(|text| view! { <p class="member-warning"><Status tone=Tone::Warn label=text/></p> })}
        {move || error.get().map(|text| view! {
            <p class="member-error">
                {text}
                <span class="sub">
                    "for "<Age at=Signal::derive(move || member.with(|m| m.replication.error_since))/>
                    <NextTry member/>
                </span>
            </p>
        })}
    }
}

#[component]
fn NextTry(member: Memo<Member>) -> impl IntoView {
    let now = crate::state::Clock::get();
    let left = move || member.with(|m| m.replication.next_try_at).map(|at| at - now.get());
    move || left().map(|ms| if ms > 0 { format!(", next try in {}", format::age(ms)) } else { ", trying now".into() })
}

//! One row: every figure with its age where it can be old.

use super::{
    choice::{self, Choice},
    columns::Column,
    rows::Rows,
};
use crate::{
    components::{
        age::Age,
        simulated_badge::SimulatedBadge,
        status::{self, Shown, Status, Tone},
        toast::Toasts,
    },
    format,
    state::Clock,
};
use leptos::{ev, prelude::*};
use model::{
    Millis,
    cloud::CloudStatus,
    machine::{CopyRole, MachineRow, RowProtection},
};

pub fn all(machine: &MachineRow, observed: Memo<Option<Millis>>, columns: &[Column], rows: Rows, choice: Choice) -> impl IntoView + use<> {
    let rest = columns.iter().map(|c| cell(c, machine, observed)).collect_view();
    view! { {mark(machine, rows, choice)} {name(machine)} {rest} }
}

/// With Shift everything from the box that was pressed before.
fn mark(machine: &MachineRow, rows: Rows, choice: Choice) -> impl IntoView + use<> {
    let (row, own) = (machine.clone(), machine.id.clone());
    let (label, toasts) = (format!("Choose {}", machine.name), Toasts::get());
    let press = move |event: ev::MouseEvent| {
        let missing = rows.by_place.with_untracked(|held| choice.press(&row, event.shift_key(), held));
        let Some(span) = missing else { return };
        leptos::task::spawn_local(async move {
            match choice::read(rows.query(), span).await {
                Ok(found) => choice.set(&found, true),
                Err(error) => toasts.error(&error),
            }
        });
    };
    view! {
        <td class="col-mark">
            <input type="checkbox" aria-label=label prop:checked=move || choice.names.with(|c| c.contains_key(&own)) on:click=press/>
        </td>
    }
}

fn name(machine: &MachineRow) -> impl IntoView + use<> {
    let split = machine.split_brain.then(|| view! { " " <Status tone=Tone::Bad label="Split brain"/> });
    let role = machine.role.filter(|r| *r != CopyRole::Active).map(|r| view! { " " <span class="soft">{r.word()}</span> });
    view! {
        <th scope="row" class="col-name">
            <span class="name-cell"><a href=format!("/machines/{}", machine.id)>{machine.name.clone()}</a> {split} {role}</span>
        </th>
    }
}

fn cell(column: &Column, machine: &MachineRow, observed: Memo<Option<Millis>>) -> impl IntoView + use<> {
    let class = format!("col-{}{}", column.key, if column.figure { " num" } else { "" });
    let content = match column.key {
        "state" => state(machine).into_any(),
        "cloud" => place(machine).into_any(),
        "protection" => protection(machine.protection.clone()).into_any(),
        "vcpus" => machine.vcpus.into_any(),
        "memory" => format::mebibytes(machine.memory_mib).into_any(),
        "disk" => format::bytes(machine.disk_bytes).into_any(),
        "addresses" => machine.addresses.join(", ").into_any(),
        "tags" => machine.tags.join(", ").into_any(),
        _ => view! { <Age at=observed/> }.into_any(),
    };
    view! { <td class=class>{content}</td> }
}

/// Of a cloud that does not answer it is the last known state, and says so.
fn state(machine: &MachineRow) -> impl IntoView + use<> {
    match machine.cloud_status {
        CloudStatus::Ok => status::of(machine.state).into_any(),
        _ => view! { <span class="old" title="The cloud does not answer now: this is the last known state.">"was " {machine.state.word().to_lowercase()}</span> }.into_any(),
    }
}

fn place(machine: &MachineRow) -> impl IntoView + use<> {
    let simulated = machine.simulated.then(|| view! { <SimulatedBadge/> });
    view! {
        <span class="place-cell">
            <span class="place-name">{machine.site.clone()} " · " <a href=format!("/clouds/{}", machine.cloud_id)>{machine.cloud.clone()}</a></span>
            {simulated}
        </span>
    }
}

fn protection(protection: Option<RowProtection>) -> impl IntoView {
    let clock = Clock::get();
    protection.map(|p| {
        let late = move || p.newest_point_at.and_then(|t| model::age(t, clock.get())).is_none_or(|ms| ms > i64::from(p.rpo_seconds) * 1000);
        let words = move || p.newest_point_at.map_or_else(|| p.state.word().to_owned(), |t| format!("{} of {}", format::age(clock.get() - t), format::seconds(p.rpo_seconds)));
        let tone = Signal::derive(move || if late() && p.state.tone() == Tone::Good { Tone::Bad } else { p.state.tone() });
        view! { <a class="plain" href=format!("/protection/{}", p.group_id) title=p.group.clone()><Status tone=tone label=Signal::derive(words)/></a> }
    })
}

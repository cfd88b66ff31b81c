//! Each machine that would come up elsewhere, and what it would lose: the age counts on while one reads.

use super::loss::{self, Choices};
use crate::{
    components::{
        data_table::{Column, DataTable},
        status::{Status, StatusOf, Tone},
    },
    format,
    state::Clock,
};
use leptos::prelude::*;
use model::{
    machine::PowerState,
    run::{BlastMachine, BlastRadius},
};

const COLUMNS: &[Column] = &[
    Column("Machine", ""),
    Column("Loses", "num"),
    Column("Seen last", ""),
    Column("Objective", "num"),
    Column("Priority", "num"),
    Column("Comes up in", ""),
    Column("Addresses", "wide-only"),
];

#[component]
pub fn Machines(radius: RwSignal<Option<BlastRadius>>, choices: Choices) -> impl IntoView {
    let sorted = move || {
        let mut list = radius.with(|r| r.as_ref().map(|r| r.machines.clone()).unwrap_or_default());
        list.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        list
    };
    view! {
        <DataTable caption="Machines that come up elsewhere" columns=COLUMNS>
            {move || sorted().into_iter().map(|machine| view! { <Row machine choices/> }).collect_view()}
        </DataTable>
    }
}

#[component]
fn Row(machine: BlastMachine, choices: Choices) -> impl IntoView {
    let now = Clock::get();
    let kept = StoredValue::new(machine.clone());
    let loses = move || kept.with_value(|m| choices.with(|c| loss::lost(m, c, now.get())).map(format::age));
    let tone =
        Signal::derive(
            move || if kept.with_value(|m| choices.with(|c| loss::above_objective(m, c, now.get()))) { Tone::Bad } else { Tone::Good },
        );
    let label = Signal::derive(move || loses().unwrap_or_else(|| "everything: no recovery point".into()));
    view! {
        <tr>
            <th scope="row">{machine.name}<span class="sub">{machine.plan}</span></th>
            <td class="num"><Status tone label/></td>
            <td><StatusOf<PowerState> of=machine.state/></td>
            <td class="num">{format::seconds(machine.rpo_seconds)}</td>
            <td class="num">{machine.priority}</td>
            <td>{machine.target_cloud}{(!machine.starts).then(|| view! { <span class="sub">"stays off, as it is"</span> })}</td>
            <td class="wide-only">{machine.addresses.join(", ")}</td>
        </tr>
    }
}

//! The copies of one machine. Two that run are the worst that can be: said first, and loudly.

use crate::components::{
    age::Age,
    data_table::{Column, DataTable},
    status,
};
use leptos::prelude::*;
use model::machine::{Copy, CopyRole, Machine};

const COLUMNS: &[Column] = &[Column("Copy at", ""), Column("Role", ""), Column("State", ""), Column("Since", "num"), Column("By run", "")];

pub fn banner(machine: &Machine) -> impl IntoView + use<> {
    let split = machine.row.split_brain.then(|| {
        let others: Vec<String> =
            machine.copies.iter().filter(|c| c.state.is_live()).map(|c| format!("{} at {}", c.cloud, c.site)).collect();
        view! {
            <p class="banner" data-tone="bad" role="alert">
                <strong>"Split brain: more than one copy of this machine runs."</strong>
                <span>"Also running: " {others.join(", ")} ". Stop the copy that is not the active one, at once; both write."</span>
            </p>
        }
    });
    let superseded = (machine.row.role == Some(CopyRole::Superseded)).then(|| {
        let active = machine.copies.iter().find(|c| c.role == CopyRole::Active);
        let link =
            active.map(|c| view! { " " <a href=format!("/machines/{}", c.machine_id)>"The active copy is at " {c.site.clone()}</a> });
        view! { <p class="banner" data-tone="warn"><strong>"Superseded: this copy must stay stopped."</strong> {link}</p> }
    });
    view! { {split} {superseded} }
}

pub fn table(machine: &Machine) -> impl IntoView + use<> {
    let rows = machine.copies.iter().cloned().map(line).collect_view();
    (!machine.copies.is_empty()).then(|| {
        view! {
            <section class="stack" aria-label="Copies">
                <h2>"Other copies"</h2>
                <DataTable caption="Other copies of this machine" columns=COLUMNS>{rows}</DataTable>
            </section>
        }
    })
}

fn line(copy: Copy) -> impl IntoView {
    let run = copy.run_id.map(|id| view! { <a href=format!("/runs/{id}")>"Run"</a> });
    view! {
        <tr>
            <th scope="row"><a href=format!("/machines/{}", copy.machine_id)>{copy.site} " · " {copy.cloud}</a></th>
            <td>{status::of(copy.role)}</td>
            <td>{status::of(copy.state)}</td>
            <td class="num"><Age at=Some(copy.since)/></td>
            <td>{run}</td>
        </tr>
    }
}

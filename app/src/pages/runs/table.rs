//! A table of runs.

use super::{clock, words};
use crate::{
    components::{
        age::DateTime,
        data_table::{Column, DataTable},
        progress::Progress,
        status::{Shown, StatusOf},
    },
    format,
    state::Clock,
};
use leptos::prelude::*;
use model::{
    Page,
    run::{Run, RunState},
};

const COLUMNS: &[Column] = &[
    Column("Run", ""),
    Column("State", ""),
    Column("Progress", ""),
    Column("Took", "num"),
    Column("RTO observed", "num"),
    Column("RPO observed", "num"),
    Column("Started", "wide-only"),
    Column("By", "wide-only"),
];

#[component]
pub fn RunsTable(page: RwSignal<Page<Run>>, caption: &'static str) -> impl IntoView {
    let ids = Memo::new(move |_| page.with(|p| p.items.iter().map(|r| r.id.clone()).collect::<Vec<_>>()));
    view! {
        <DataTable caption columns=COLUMNS>
            <For each=move || ids.get() key=String::clone let:id>
                <Row id page/>
            </For>
        </DataTable>
    }
}

#[component]
fn Row(id: String, page: RwSignal<Page<Run>>) -> impl IntoView {
    let Some(first) = page.with_untracked(|p| p.items.iter().find(|r| r.id == id).cloned()) else { return ().into_any() };
    let href = format!("/runs/{id}");
    let run = Memo::new(move |_| page.with(|p| p.items.iter().find(|r| r.id == id).cloned()).unwrap_or_else(|| first.clone()));
    let now = Clock::get();
    let took = move || format::age(run.with(|r| clock::elapsed(r, now.get())));
    let observed = move |pick: fn(&model::run::Outcome) -> Option<u64>| {
        move || run.with(|r| r.outcome.as_ref().and_then(pick)).map_or_else(|| "–".into(), format::duration)
    };
    view! {
        <tr>
            <th scope="row">
                <a href=href>{move || run.with(|r| r.title.clone())}</a>
                <span class="sub">{move || run.with(|r| format!("{} of {}", words::kind(r.kind), r.subject))}</span>
            </th>
            <td>
                <StatusOf<RunState> of=Signal::derive(move || run.with(|r| r.state))/>
                {move || run.with(|r| r.message.clone()).map(|m| view! { <span class="sub">{m}</span> })}
            </td>
            <td><Steps run/></td>
            <td class="num">{took}</td>
            <td class="num">{observed(|o| o.rta_ms)}</td>
            <td class="num">{observed(|o| o.rpa_ms)}</td>
            <td class="wide-only"><DateTime at=Signal::derive(move || run.with(|r| r.started_at.unwrap_or(r.created_at)))/></td>
            <td class="wide-only">{move || run.with(|r| r.created_by.clone())}</td>
        </tr>
    }
    .into_any()
}

#[component]
fn Steps(run: Memo<Run>) -> impl IntoView {
    let counts = move || run.with(|r| (r.steps_done, r.steps_total));
    view! {
        <span class="run-steps">
            <Progress label="Steps that are over" done=Signal::derive(move || counts().0.into()) total=Signal::derive(move || counts().1.into()) tone=Signal::derive(move || run.with(|r| r.state.tone()))/>
            <span class="sub">{move || format!("{} of {}", counts().0, counts().1)}</span>
        </span>
    }
}

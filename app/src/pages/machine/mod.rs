//! One machine: what it is, where its copies are, how it is protected, and what can be done with it now.

mod actions;
mod activity;
mod copies;
mod facts;
mod hardware;
mod places;
mod protection;

use crate::components::{
    load::{Fresh, load},
    page_header::PageHeader,
    simulated_badge::SimulatedBadge,
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use model::{live::Topic, machine::Machine};

const TOPICS: &[Topic] = &[Topic::Machine, Topic::Machines, Topic::Cloud, Topic::Member, Topic::Run, Topic::Alarm];

#[component]
pub fn MachinePage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id")).unwrap_or_default());
    load(move || format!("/machines/{}", id.get()), TOPICS, draw)
}

fn draw(fresh: Fresh<Machine>) -> impl IntoView {
    let machine = fresh.value;
    let title = Signal::derive(move || machine.with(|m| m.row.name.clone()));
    let about = Signal::derive(move || machine.with(|m| m.title.clone()).unwrap_or_default());
    let id = machine.with_untracked(|m| m.row.id.clone());
    view! {
        <PageHeader title=title about=about back=("/machines", "Machines")>
            {move || machine.with(|m| m.row.simulated).then(|| view! { <SimulatedBadge/> })}
            <actions::Actions machine=machine/>
        </PageHeader>
        {move || machine.with(copies::banner)}
        <section class="card" aria-label="State">{move || machine.with(facts::facts)}</section>
        <section class="card" aria-label="Protection">{move || machine.with(protection::summary)}<protection::Points id=id.clone()/></section>
        {move || machine.with(copies::table)}
        <section class="card" aria-label="Where can it run"><places::Places id=id.clone()/></section>
        <div class="columns">
            <section class="stack" aria-label="Disks"><h2>"Disks"</h2>{move || machine.with(|m| hardware::disks(&m.disks))}</section>
            <section class="stack" aria-label="Networks"><h2>"Networks"</h2>{move || machine.with(|m| hardware::nics(&m.nics))}</section>
        </div>
        <section class="stack" aria-label="Activity"><h2>"Activity"</h2><activity::Activity id=id/></section>
        <details class="card">
            <summary>"The cloud's own fields"</summary>
            <pre class="native" tabindex="0">{move || machine.with(|m| serde_json::to_string_pretty(&m.native).unwrap_or_default())}</pre>
        </details>
    }
}

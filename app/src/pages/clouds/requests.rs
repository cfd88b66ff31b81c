//! How often this node asked the cloud's API: what a cloud bills, and what it throttles.

use crate::components::{
    age::Age,
    data_table::{Column, DataTable},
    load::Fresh,
};
use leptos::prelude::*;
use model::cloud::{RequestCount, Requests};

const COLUMNS: &[Column] = &[Column("Service", ""), Column("Kind", ""), Column("Last hour", "num"), Column("In all", "num")];

/// Nothing for clouds that are not asked in this way.
pub fn draw(fresh: Fresh<Requests>) -> impl IntoView {
    let all = fresh.value;
    let rows = move || all.with(|r| r.counts.clone()).into_iter().map(row).collect_view();
    view! {
        <Show when=move || all.with(|r| !r.counts.is_empty())>
            <section class="stack" aria-label="Requests to its API">
                <h2>"Requests to its API"</h2>
                <p class="soft">
                    {move || all.with(|r| r.last_hour)} " in the last hour, " {move || all.with(|r| r.total)} " since this node opened the cloud "
                    <Age at=Signal::derive(move || Some(all.with(|r| r.since)))/> " ago."
                </p>
                <DataTable caption="Requests to its API" columns=COLUMNS>{rows}</DataTable>
            </section>
        </Show>
    }
}

fn row(count: RequestCount) -> impl IntoView {
    view! {
        <tr>
            <th scope="row">{count.service}</th>
            <td class="code">{count.kind}</td>
            <td class="num">{count.last_hour}</td>
            <td class="num">{count.total}</td>
        </tr>
    }
}

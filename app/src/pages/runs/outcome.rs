//! What was observed at the end: recovery time, data loss, and how each machine came out.

use crate::{
    components::{
        age::DateTime,
        data_table::{Column, DataTable},
        status::{Status, Tone},
    },
    format,
};
use leptos::prelude::*;
use model::run::{MachineOutcome, Outcome, RunDetail};

#[component]
pub fn RunOutcome(detail: RwSignal<RunDetail>) -> impl IntoView {
    let outcome = Memo::new(move |_| detail.with(|d| d.run.outcome.clone()));
    let statement = Memo::new(move |_| detail.with(|d| d.statement.clone()));
    view! {
        {move || outcome.get().map(|outcome| view! { <Observed outcome/> })}
        {move || statement.get().map(|text| view! {
            <section class="statement" aria-labelledby="statement-title">
                <h2 id="statement-title">"What could not be proved, and was stated instead"</h2>
                <blockquote>{text}</blockquote>
            </section>
        })}
    }
}

#[component]
fn Observed(outcome: Outcome) -> impl IntoView {
    let machines = outcome.machines.clone();
    view! {
        <section class="outcome" aria-labelledby="outcome-title">
            <h2 id="outcome-title">"Observed"</h2>
            <dl class="figures">
                <Figure label="Recovery time (RTO observed)" value=outcome.rta_ms.map(format::duration) about="start of the run to the last machine's first good health answer"/>
                <Figure label="Data lost at most (RPO observed)" value=outcome.rpa_ms.map(format::duration) about="recovery point to the last moment the source was seen alive"/>
                <Figure label="Downtime" value=outcome.downtime_ms.map(format::duration) about="how long the machine did not answer"/>
                <Figure label="Sent" value=outcome.bytes.map(format::bytes) about=""/>
            </dl>
            {(!machines.is_empty()).then(|| view! { <Machines machines/> })}
        </section>
    }
}

/// A figure that was not observed is left out, not shown as nought.
#[component]
fn Figure(label: &'static str, value: Option<String>, about: &'static str) -> impl IntoView {
    value.map(|value| {
        view! {
            <div>
                <dt>{label}{(!about.is_empty()).then(|| view! { <small>": "{about}</small> })}</dt>
                <dd>{value}</dd>
            </div>
        }
    })
}

const COLUMNS: &[Column] = &[
    Column("Machine", ""),
    Column("Came up", ""),
    Column("Recovery time", "num"),
    Column("Data lost", "num"),
    Column("Recovery point", ""),
    Column("Observed", ""),
];

#[component]
fn Machines(machines: Vec<MachineOutcome>) -> impl IntoView {
    view! { <DataTable caption="Machines of this run" columns=COLUMNS>{machines.into_iter().map(row).collect_view()}</DataTable> }
}

fn row(m: MachineOutcome) -> impl IntoView {
    let (word, tone) = if m.recovered { ("Yes", Tone::Good) } else { ("No", Tone::Bad) };
    let figure = |ms: Option<u64>| ms.map_or_else(|| "not observed".into(), format::duration);
    view! {
        <tr>
            <th scope="row">{m.name}</th>
            <td><Status tone label=word/></td>
            <td class="num">{figure(m.rta_ms)}</td>
            <td class="num">{figure(m.rpa_ms)}</td>
            <td>{m.point_taken_at.map(|at| view! { <DateTime at/> })}</td>
            <td>{m.message}</td>
        </tr>
    }
}

//! Where can it run: every other cloud, asked when somebody wants to know.

use crate::{
    api,
    components::{
        age::Age,
        button_action::ButtonAction,
        data_table::{Column, DataTable},
        places,
    },
    dialogs::problems::Problems,
};
use leptos::prelude::*;
use model::{
    Id,
    placement::{Place, Placement},
};

const COLUMNS: &[Column] = &[
    Column("Cloud", ""),
    Column("Verdict", ""),
    Column("How", ""),
    Column("To send", "num"),
    Column("Time", "num"),
    Column("Downtime", "num"),
    Column("A month", "num"),
    Column("The move", "num"),
];

#[component]
pub fn Places(id: Id) -> impl IntoView {
    let found = RwSignal::new(None::<Placement>);
    let asking = RwSignal::new(false);
    let path = StoredValue::new(format!("/machines/{id}/placement"));
    let ask = move || async move {
        asking.set(true);
        let answer = api::get::<Placement>(&path.get_value()).await;
        asking.try_set(false);
        found.try_set(Some(answer?));
        Ok(())
    };
    let label = Signal::derive(move || if found.with(Option::is_some) { "Ask again" } else { "Ask all clouds" }.to_owned());
    view! {
        <div class="card-head"><h2>"Where can it run"</h2><ButtonAction label=label look="small" run=ask/></div>
        <div role="status" aria-live="polite">
            <Show when=move || asking.get()><p class="loading">"Asking every cloud; one that does not answer is waited for 10 s …"</p></Show>
            <Show when=move || found.with(Option::is_none) && !asking.get()>
                <p class="soft">"Every other cloud is asked what it would take, how long and what it costs. Nothing is changed by it."</p>
            </Show>
        </div>
        {move || found.get().map(told)}
    }
}

fn told(p: Placement) -> impl IntoView {
    let best = p.best.clone().unwrap_or_else(|| "No other cloud can take it now; below is why.".into());
    let here = format!("At {}, where it is, it costs: {}. {}", p.cloud, places::cost(&p.month_here), p.month_here.about);
    let whole = (!p.problems.is_empty()).then(|| view! { <h3>"Wherever it would go"</h3><Problems problems=p.problems.clone()/> });
    let rows = p.rows.iter().map(row).collect_view();
    view! {
        <p class="lead">{best}</p>
        <p class="soft">"Asked "<Age at=Some(p.asked_at)/>" ago. "{here}</p>
        {whole}
        <DataTable caption="Where it can run" columns=COLUMNS>{rows}</DataTable>
        {p.rows.into_iter().map(why).collect_view()}
    }
}

fn row(p: &Place) -> impl IntoView + use<> {
    view! {
        <tr>
            <th scope="row">{places::cloud(&p.at)}</th>
            <td>{places::verdict(p.verdict, &p.at)}</td>
            <td>{places::modes(&p.modes)}</td>
            <td class="num">{places::bytes(p.bytes)}</td>
            <td class="num">{places::time(p.estimate.time_ms)}</td>
            <td class="num">{places::time(p.estimate.downtime_ms)}</td>
            <td class="num">{places::cost(&p.cost.month)}</td>
            <td class="num">{places::cost(&p.cost.moving)}</td>
        </tr>
    }
}

/// What stands behind a row.
fn why(p: Place) -> impl IntoView {
    let open = !p.verdict.is_possible();
    let point = p.point_at.map(|at| view! { <p>"Its newest recovery point there is "<Age at=Some(at)/>" old."</p> });
    view! {
        <details class="more can-run" open=open>
            <summary><b>{p.at.cloud.clone()}</b>": "{p.verdict.short()}</summary>
            <Problems problems=p.findings/>
            {point}
            <ul class="facts-list">
                {p.conversion.iter().map(|c| view! { <li>{places::conversion(c)}</li> }).collect_view()}
                <li>"Time: "{p.estimate.about}</li>
                <li>"A month: "{p.cost.month.about}</li>
                <li>"The move: "{p.cost.moving.about}</li>
            </ul>
        </details>
    }
}

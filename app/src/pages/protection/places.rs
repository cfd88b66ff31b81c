//! Where can the machines of a group run together.

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
    placement::{GroupPlace, GroupPlacement},
    protection::Group,
};

const COLUMNS: &[Column] = &[
    Column("Cloud", ""),
    Column("Verdict", ""),
    Column("Blocked", ""),
    Column("To send", "num"),
    Column("Time, one by one", "num"),
    Column("A month", "num"),
    Column("The move", "num"),
];

#[component]
pub fn Places(group: RwSignal<Group>) -> impl IntoView {
    let found = RwSignal::new(None::<GroupPlacement>);
    let asking = RwSignal::new(false);
    let ask = move || async move {
        asking.set(true);
        let path = format!("/groups/{}/placement", group.with_untracked(|g| g.id.clone()));
        let answer = api::get::<GroupPlacement>(&path).await;
        asking.try_set(false);
        found.try_set(Some(answer?));
        Ok(())
    };
    let label = Signal::derive(move || if found.with(Option::is_some) { "Ask again" } else { "Ask all clouds" }.to_owned());
    view! {
        <section class="card" aria-label="Where can it run">
            <div class="card-head"><h2>"Where can it run"</h2><ButtonAction label=label look="small" run=ask/></div>
            <div role="status" aria-live="polite">
                <Show when=move || asking.get()><p class="loading">"Asking every cloud for each machine …"</p></Show>
                <Show when=move || found.with(Option::is_none) && !asking.get()>
                    <p class="soft">"Every cloud is asked for each machine of the group, and for all of them together. Nothing is changed by it."</p>
                </Show>
            </div>
            {move || found.get().map(told)}
        </section>
    }
}

fn told(p: GroupPlacement) -> impl IntoView {
    let machines = p.machines;
    let best = p.best.clone().unwrap_or_else(|| "No other cloud can take all of them now; below is why.".into());
    let whole = (!p.problems.is_empty()).then(|| view! { <h3>"Wherever they would go"</h3><Problems problems=p.problems.clone()/> });
    let rows = p.rows.iter().map(|r| row(r, machines)).collect_view();
    view! {
        <p class="lead">{best}</p>
        <p class="soft">"Asked "<Age at=Some(p.asked_at)/>" ago, for "{if machines == 1 { "1 machine".to_owned() } else { format!("{machines} machines") }}"."</p>
        {whole}
        <DataTable caption="Where the group can run" columns=COLUMNS>{rows}</DataTable>
        {p.rows.into_iter().filter(|r| !r.findings.is_empty()).map(why).collect_view()}
    }
}

fn row(p: &GroupPlace, machines: u32) -> impl IntoView + use<> {
    let blocked = if p.blocked.is_empty() { "none".to_owned() } else { format!("{} of {machines}", p.blocked.len()) };
    view! {
        <tr>
            <th scope="row">{places::cloud(&p.at)}</th>
            <td>{places::verdict(p.verdict, &p.at)}</td>
            <td>{blocked}</td>
            <td class="num">{places::bytes(p.bytes)}</td>
            <td class="num">{places::time(p.time_ms)}</td>
            <td class="num" title=p.cost.month.about.clone()>{places::cost(&p.cost.month)}</td>
            <td class="num" title=p.cost.moving.about.clone()>{places::cost(&p.cost.moving)}</td>
        </tr>
    }
}

fn why(p: GroupPlace) -> impl IntoView {
    let blocked = (!p.blocked.is_empty()).then(|| view! { <p>"Cannot run there: "{p.blocked.join(", ")}"."</p> });
    view! {
        <details class="more can-run" open=!p.verdict.is_possible()>
            <summary><b>{p.at.cloud.clone()}</b>": "{p.verdict.short()}</summary>
            {blocked}
            <Problems problems=p.findings/>
        </details>
    }
}

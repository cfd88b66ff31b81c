//! How far back a disaster would throw this machine, and the recovery points that there are.

use crate::{
    components::{
        age::Age,
        load::{Fresh, load},
        status,
    },
    format,
    pages::protection::PointTable,
};
use leptos::prelude::*;
use model::{Id, Page, live::Topic, machine::Machine, protection::RecoveryPoint};

pub fn summary(machine: &Machine) -> impl IntoView + use<> {
    match machine.row.protection.clone() {
        None => view! {
            <div class="card-head"><h2>"Not protected"</h2></div>
            <p class="soft">"If its site is lost, this machine is lost with it."</p>
        }
        .into_any(),
        Some(p) => view! {
            <div class="card-head">
                <h2>"Protected by " <a href=format!("/protection/{}", p.group_id)>{p.group}</a></h2>
                {status::of(p.state)}
            </div>
            <dl class="facts">
                <div><dt>"Newest recovery point"</dt><dd><Age at=p.newest_point_at never="none yet"/></dd></div>
                <div><dt>"Objective (RPO)"</dt><dd>{format::seconds(p.rpo_seconds)}</dd></div>
            </dl>
        }
        .into_any(),
    }
}

#[component]
pub fn Points(id: Id) -> impl IntoView {
    load(
        move || format!("/machines/{id}/points?limit=200"),
        &[Topic::Member],
        |page: Fresh<Page<RecoveryPoint>>| {
            let points = page.value;
            let some = move || points.with(|p| !p.items.is_empty());
            let counted = move || {
                points.with(|p| {
                    let bytes = p.items.iter().map(|i| i.bytes).sum();
                    format!("{} recovery {}, {}", p.items.len(), if p.items.len() == 1 { "point" } else { "points" }, format::bytes(bytes))
                })
            };
            view! {
                <Show when=some>
                    <p class="soft">{counted}</p>
                    <PointTable page=points/>
                </Show>
            }
        },
    )
}

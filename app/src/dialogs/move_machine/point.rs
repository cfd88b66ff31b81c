//! From which recovery point it comes up there, where the target has some of this machine.

use super::fields::MoveFields;
use crate::{
    api,
    dialogs::points::{GivenUp, PointField, Usual},
};
use leptos::prelude::*;
use model::{Page, machine::Machine, protection::RecoveryPoint};

/// Drawn when there is a choice.
#[component]
pub fn Point(fields: MoveFields, machine: StoredValue<Machine>) -> impl IntoView {
    let found = LocalResource::new(move || read(machine.with_value(|m| m.row.id.clone())));
    let points = Signal::derive(move || {
        let all = found.get().and_then(Result::ok).unwrap_or_default();
        fields.target.with(|target| all.into_iter().filter(|p| p.cloud_id == *target).collect::<Vec<_>>())
    });
    let chosen = move || fields.point.with(|id| points.with(|all| all.iter().find(|p| p.id == *id).map(|p| p.taken_at)));
    view! {
        <Show when=move || points.with(|p| !p.is_empty())>
            <PointField name="move-point" label="It comes up there with" value=fields.point points usual=Usual::LastChanges/>
            {move || chosen().map(|at| view! { <p class="note warn"><span>"It comes up "<GivenUp at/>" Nothing is copied: it is stopped here and made there."</span></p> })}
        </Show>
    }
}

async fn read(machine: String) -> api::Result<Vec<RecoveryPoint>> {
    api::get::<Page<RecoveryPoint>>(&format!("/machines/{machine}/points?limit=200")).await.map(|page| page.items)
}

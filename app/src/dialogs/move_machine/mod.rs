//! Move to cloud: pick where to, see what stands against it, start.

mod draft;
mod fields;
mod form;
mod options;
mod point;
mod preflight;
mod target;
mod targets;

use crate::{
    api,
    components::{dialog::Dialog, error_note::ErrorNote},
};
use leptos::prelude::*;
use model::{Page, cloud::Cloud, machine::Machine};

/// `machine` is the identifier. Opens while `open` is true and sets it to false when it closes.
#[component]
pub fn MoveDialog(machine: String, open: RwSignal<bool>) -> impl IntoView {
    let machine = StoredValue::new(machine);
    view! {
        <Dialog open title="Move to cloud" look="wide">
            <Loaded machine=machine.get_value() open/>
        </Dialog>
    }
}

#[component]
fn Loaded(machine: String, open: RwSignal<bool>) -> impl IntoView {
    let facts = LocalResource::new(move || read(machine.clone()));
    view! {
        {move || match facts.get() {
            None => view! { <p class="loading" role="status">"Looking at the machine and the clouds …"</p> }.into_any(),
            Some(Err(error)) => view! { <ErrorNote error/> }.into_any(),
            Some(Ok((machine, clouds))) => view! { <form::MoveForm machine clouds open/> }.into_any(),
        }}
    }
}

async fn read(machine: String) -> api::Result<(Machine, Vec<Cloud>)> {
    let clouds = api::get::<Page<Cloud>>("/clouds?limit=500").await?;
    Ok((api::get(&format!("/machines/{machine}")).await?, clouds.items))
}

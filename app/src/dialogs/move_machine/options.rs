//! How it is moved: mode, mappings, health check, addresses, how long the source is kept.

use super::{
    draft::sources,
    fields::{MoveFields, Parsed, fault},
    form::Finding,
    point::Point,
    targets,
};
use crate::{
    api,
    components::field::TextField,
    dialogs::{addresses::AddressRules, mappings::MappingFields},
    pages::plans::health_fields::HealthFields,
};
use leptos::prelude::*;
use model::{
    cloud::{Cloud, Resources},
    machine::Machine,
    run::MoveMode,
};

#[component]
pub fn Options(
    fields: MoveFields,
    request: Parsed,
    machine: StoredValue<Machine>,
    clouds: StoredValue<Vec<Cloud>>,
    finding: LocalResource<Option<Finding>>,
) -> impl IntoView {
    view! {
        <Point fields machine/>
        <Mode fields machine clouds/>
        <Drivers fields finding/>
        <Maps fields request machine finding/>
        <details class="more">
            <summary>"Health check, addresses, and what becomes of the source"</summary>
            <HealthFields id="move" form=fields.health/>
            <TextField
                label="Service addresses that move with it" name="move-addresses" value=fields.addresses
                help="IPv4, separated by commas." error=fault(request, "service_addresses")
            />
            <TextField
                label="Wait for a graceful shutdown, seconds" name="move-stop" value=fields.stop_timeout kind="number"
                help="After that it is switched off hard." error=fault(request, "stop_timeout_seconds")
            />
            <TextField
                label="Keep the source for, hours" name="move-keep" value=fields.keep_hours kind="number"
                help="Stopped and locked against start; removed afterwards." error=fault(request, "keep_source_hours")
            />
        </details>
    }
}

#[component]
fn Mode(fields: MoveFields, machine: StoredValue<Machine>, clouds: StoredValue<Vec<Cloud>>) -> impl IntoView {
    let find = move |id: &str| clouds.with_value(|list| list.iter().find(|c| c.id == id).cloned());
    let live = Memo::new(move |_| {
        let source = find(&machine.with_value(|m| m.row.cloud_id.clone()));
        targets::can_live(source.as_ref(), find(&fields.target.get()).as_ref())
    });
    let from_point = Memo::new(move |_| fields.point.with(|p| !p.is_empty()));
    let radio = move |mode: MoveMode, label: &'static str, about: &'static str| {
        let refused = move || mode == MoveMode::Live && !live.get();
        view! {
            <label class="choice">
                <input
                    type="radio" name="move-mode" prop:checked=move || fields.mode.get() == mode
                    disabled=refused on:change=move |_| fields.mode.set(mode)
                />
                <span><b>{label}</b>" "{about}{move || refused().then_some(" Not here: both clouds must be of one kind and able to.")}</span>
            </label>
        }
    };
    view! {
        // With an older point nothing is copied, so there is nothing to choose.
        <Show when=move || !from_point.get()>
            <fieldset class="choices">
                <legend>"How"</legend>
                {radio(MoveMode::Auto, "Automatic.", "Warm where the source can, else cold.")}
                {radio(MoveMode::Warm, "Warm.", "Copied while it runs, stopped briefly for the rest.")}
                {radio(MoveMode::Cold, "Cold.", "Stopped, copied, started.")}
                {radio(MoveMode::Live, "Live.", "Running, with its memory.")}
            </fieldset>
        </Show>
    }
}

/// Offered where the node would do it, or was told not to.
#[component]
fn Drivers(fields: MoveFields, finding: LocalResource<Option<Finding>>) -> impl IntoView {
    let offered = Memo::new(move |_| !fields.convert.get() || matches!(finding.get().flatten(), Some((_, Ok(found))) if found.convert));
    view! {
        <Show when=move || offered.get()>
            <label class="switch">
                <input type="checkbox" bind:checked=fields.convert/>
                "Put the drivers of the target in on the way (virt-v2v)"
            </label>
        </Show>
    }
}

/// Where the disks and the network cards go; what the node would take is filled in where nothing is chosen.
#[component]
fn Maps(fields: MoveFields, request: Parsed, machine: StoredValue<Machine>, finding: LocalResource<Option<Finding>>) -> impl IntoView {
    let target = Memo::new(move |_| fields.target.get());
    let resources = LocalResource::new(move || read(target.get()));
    let found = move || resources.get().and_then(Result::ok).unwrap_or_default();
    let networks = Signal::derive(move || found().networks.into_iter().map(|n| n.name).collect::<Vec<_>>());
    let pools = Signal::derive(move || found().pools.into_iter().map(|p| p.name).collect::<Vec<_>>());
    let planned = Memo::new(move |_| match finding.get().flatten() {
        Some((_, Ok(found))) => (found.networks, found.storage),
        _ => Default::default(),
    });
    let (nets, disks) = machine.with_value(sources);
    view! {
        <MappingFields
            title="Networks" id="move-net" from=nets options=networks
            value=fields.networks
            planned=Signal::derive(move || planned.get().0)
        />
        <details class="more">
            <summary>"New addresses"</summary>
            <AddressRules name="move-rules" value=fields.rules error=fault(request, "networks")/>
        </details>
        <MappingFields
            title="Storage" id="move-pool" from=disks options=pools
            value=fields.storage
            planned=Signal::derive(move || planned.get().1)
        />
    }
}

async fn read(cloud: String) -> api::Result<Resources> {
    if cloud.is_empty() { Ok(Resources::default()) } else { api::get(&format!("/clouds/{cloud}/resources")).await }
}

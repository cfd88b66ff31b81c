//! The form of a protection group: where to, the policy, the mappings.

use super::{
    draft::{self, Unit},
    fields::GroupFields,
    site_resources::{Names, names_at},
};
use crate::{
    components::field::{Field, SelectField, TextField},
    dialogs::{addresses::AddressRules, mappings::MappingFields},
};
use leptos::prelude::*;
use model::cloud::Cloud;

/// `fixed_site`: the machines are given, and with them the site.
#[component]
pub fn GroupForm(fields: GroupFields, clouds: StoredValue<Vec<Cloud>>, #[prop(optional)] fixed_site: bool) -> impl IntoView {
    view! {
        <TextField label="Name" name="group-name" value=fields.name required=true error=fields.error("name")/>
        {(!fixed_site).then(|| view! { <Site fields clouds/> })}
        <Target fields clouds/>
        <PolicyFields fields/>
        <Maps fields clouds/>
    }
}

/// Of a further target: the group has the name, the site and the machines.
#[component]
pub fn TargetForm(fields: GroupFields, clouds: StoredValue<Vec<Cloud>>) -> impl IntoView {
    view! {
        <Target fields clouds/>
        <PolicyFields fields/>
        <Maps fields clouds/>
    }
}

#[component]
fn Site(fields: GroupFields, clouds: StoredValue<Vec<Cloud>>) -> impl IntoView {
    let mut sites: Vec<String> = clouds.with_value(|list| list.iter().map(|c| c.site.clone()).collect());
    sites.sort();
    sites.dedup();
    let mut options = vec![(String::new(), "Choose …".to_owned())];
    options.extend(sites.into_iter().map(|s| (s.clone(), s)));
    view! {
        <SelectField
            label="Protected site" name="group-site" value=fields.site options=options
            help="Where the machines run now." error=fields.error("protected_site")
        />
    }
}

#[component]
fn Target(fields: GroupFields, clouds: StoredValue<Vec<Cloud>>) -> impl IntoView {
    let option = move |cloud: &Cloud, site: &str| {
        let why = draft::unfit(cloud, site);
        let simulated = if cloud.simulated { " (SIMULATED)" } else { "" };
        let label = format!("{} at {}{simulated}", cloud.name, cloud.site);
        let (id, own) = (cloud.id.clone(), cloud.id.clone());
        let (unfit, text) = (why.is_some(), why.map_or(label.clone(), |why| format!("{label}: {why}")));
        view! { <option value=id disabled=unfit selected=move || fields.target.get() == own>{text}</option> }
    };
    let choices = move || fields.site.with(|site| clouds.with_value(|list| list.iter().map(|c| option(c, site)).collect_view()));
    view! {
        <Field
            label="Recovery cloud" name="group-target" error=fields.error("target_cloud_id")
            help="Keeps the recovery points and starts the machines after a failover. It must be at another site."
        >
            <select class="input" id="group-target" aria-describedby="group-target-note" on:change:target=move |e| fields.target.set(e.target().value())>
                <option value="">"Choose …"</option>
                {choices}
            </select>
        </Field>
    }
}

#[component]
pub fn PolicyFields(fields: GroupFields) -> impl IntoView {
    let units: Vec<(String, String)> = Unit::ALL.into_iter().map(|u| (u.value().into(), u.value().into())).collect();
    view! {
        <fieldset class="policy-fields">
            <legend>"Policy"</legend>
            <div class="pair">
                <TextField
                    label="Objective (RPO)" name="group-rpo" kind="number" value=fields.rpo error=fields.error("rpo_seconds")
                    help="The newest recovery point is never older than this; above it is a breach."
                />
                <SelectField label="Unit" name="group-rpo-unit" value=fields.rpo_unit options=units/>
            </div>
            <TextField
                label="Keep recovery points" name="group-keep-points" kind="number" value=fields.keep_points
                help="Of each machine, at most." error=fields.error("keep_points")
            />
            <TextField
                label="Keep them for, hours" name="group-keep-hours" kind="number" value=fields.keep_hours
                help="The newest stays in any case." error=fields.error("keep_hours")
            />
            <TextField
                label="Bandwidth limit, MiB/s" name="group-bandwidth" value=fields.bandwidth placeholder="no limit"
                help="For all machines of the group together; empty is no limit." error=fields.error("bandwidth")
            />
        </fieldset>
    }
}

/// Networks and places for disks of the protected site, each with its counterpart at the recovery cloud.
#[component]
fn Maps(fields: GroupFields, clouds: StoredValue<Vec<Cloud>>) -> impl IntoView {
    let at_site =
        move || fields.site.with(|s| clouds.with_value(|l| l.iter().filter(|c| c.site == *s).map(|c| c.id.clone()).collect::<Vec<_>>()));
    let from = LocalResource::new(move || names_at(at_site()));
    let to = LocalResource::new(move || names_at(fields.target.with(|t| if t.is_empty() { vec![] } else { vec![t.clone()] })));
    let part =
        |names: LocalResource<Names>, pick: fn(Names) -> Vec<String>| Signal::derive(move || names.get().map(pick).unwrap_or_default());
    view! {
        <Show when=move || fields.target.with(|t| !t.is_empty())>
            <MappingFields title="Networks" id="group-net" value=fields.networks from=part(from, |n| n.networks) options=part(to, |n| n.networks)/>
            <AddressRules name="group-addresses" value=fields.addresses error=fields.error("addresses")/>
            <MappingFields title="Storage" id="group-pool" value=fields.storage from=part(from, |n| n.pools) options=part(to, |n| n.pools)/>
        </Show>
    }
}

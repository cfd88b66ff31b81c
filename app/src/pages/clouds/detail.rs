//! One cloud: state and settings, and what it has to put machines on.

use super::{edit::EditDialog, prices, requests, resources};
use crate::{
    api,
    components::{
        age::{Age, DateTime},
        button_action::ButtonAction,
        confirm_dialog::ConfirmDialog,
        load::{Fresh, load},
        page_header::PageHeader,
        simulated_badge::SimulatedBadge,
        status,
    },
    format,
    state::{Session, escape},
};
use leptos::prelude::*;
use leptos_router::hooks::{use_navigate, use_params_map};
use model::{access::Role, cloud::Cloud, live::Topic};

#[component]
pub fn CloudPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id")).unwrap_or_default());
    view! {
        {load(move || format!("/clouds/{}", id.get()), &[Topic::Cloud], draw)}
        {load(move || format!("/clouds/{}/prices", id.get()), &[], prices::draw)}
        {load(move || format!("/clouds/{}/requests", id.get()), &[Topic::Cloud], requests::draw)}
        {load(move || format!("/clouds/{}/resources", id.get()), &[Topic::Cloud], resources::draw)}
    }
}

fn draw(fresh: Fresh<Cloud>) -> impl IntoView {
    let cloud = fresh.value;
    let title = Signal::derive(move || cloud.with(|c| c.name.clone()));
    view! {
        <PageHeader title=title back=("/clouds", "Clouds")>
            {move || cloud.with(|c| c.simulated).then(|| view! { <SimulatedBadge/> })}
            <Tools cloud=cloud/>
        </PageHeader>
        {move || cloud.with(|c| c.message.clone()).map(|m| view! { <p class="banner" data-tone="bad"><strong>"The cloud says:"</strong> <span>{m}</span></p> })}
        <section class="card" aria-label="State">{move || cloud.with(facts)}</section>
    }
}

#[component]
fn Tools(cloud: RwSignal<Cloud>) -> impl IntoView {
    let id = cloud.with_untracked(|c| c.id.clone());
    let (edit, remove) = (RwSignal::new(false), RwSignal::new(false));
    let session = Session::get();
    let refused = Signal::derive(move || session.refusal(Role::Administrator));
    let by_operator = Signal::derive(move || session.refusal(Role::Operator));
    let (again, gone) = (format!("/clouds/{id}/refresh"), format!("/clouds/{id}"));
    let look_again = move || {
        let path = again.clone();
        async move { api::post::<_, serde_json::Value>(&path, &()).await.map(drop) }
    };
    let navigate = use_navigate();
    let delete = move || {
        let (path, navigate) = (gone.clone(), navigate.clone());
        async move {
            api::delete::<serde_json::Value>(&path).await?;
            navigate("/clouds", Default::default());
            Ok(())
        }
    };
    let open = |dialog: RwSignal<bool>| {
        move || async move {
            dialog.set(true);
            Ok(())
        }
    };
    view! {
        <ButtonAction label="Look again" refused=by_operator run=look_again done="A new look has begun."/>
        <ButtonAction label="Settings …" refused=refused run=open(edit)/>
        <ButtonAction label="Remove …" refused=refused run=open(remove)/>
        <EditDialog cloud=cloud open=edit/>
        <ConfirmDialog open=remove title="Remove this cloud?" verb="Remove it" run=delete phrase=cloud.with_untracked(|c| c.name.clone())>
            <p>"The console forgets the cloud and its machines. Nothing at the cloud itself changes."</p>
        </ConfirmDialog>
    }
}

/// The version says the kind itself, or stands after it.
fn kind(cloud: &Cloud) -> String {
    match &cloud.version {
        Some(version) if version.to_lowercase().starts_with(&cloud.kind) => version.clone(),
        Some(version) => format!("{} {version}", cloud.kind),
        None => cloud.kind.clone(),
    }
}

fn facts(cloud: &Cloud) -> impl IntoView + use<> {
    let retry = cloud.retry_at.map(|t| view! { <div><dt>"Next try"</dt><dd><DateTime at=t/></dd></div> });
    let print =
        cloud.fingerprint.clone().map(|f| view! { <div><dt>"Certificate (SHA-256), pinned"</dt><dd class="fingerprint">{f}</dd></div> });
    let room = cloud.capacity.map(|c| view! {
        <div><dt>"Processors"</dt><dd class="num">{c.cpus}</dd></div>
        <div><dt>"Memory free"</dt><dd class="num">{format::mebibytes(c.memory_free_mib)} " of " {format::mebibytes(c.memory_mib)}</dd></div>
        <div><dt>"Storage free"</dt><dd class="num">{format::bytes(c.storage_free_bytes)} " of " {format::bytes(c.storage_bytes)}</dd></div>
    });
    let can =
        cloud.capabilities.iter().filter_map(|c| serde_json::to_value(c).ok()?.as_str().map(|s| s.replace('_', " "))).collect::<Vec<_>>();
    view! {
        <dl class="facts">
            <div><dt>"State"</dt><dd>{status::of(cloud.status)} " for " <Age at=Some(cloud.status_since)/></dd></div>
            <div><dt>"Last look at everything"</dt><dd><Age at=cloud.observed_at/> " ago"</dd></div>
            {retry}
            <div><dt>"Site"</dt><dd>{cloud.site.clone()}</dd></div>
            <div><dt>"Kind"</dt><dd>{kind(cloud)}</dd></div>
            <div><dt>"Machines up"</dt><dd><a href=format!("/machines?q=cloud:{}", escape(&cloud.name))>{cloud.running} " of " {cloud.machines}</a></dd></div>
            {room}
            {print}
            <div><dt>"Can"</dt><dd>{can.join(", ")}</dd></div>
            {cloud.fields.iter().map(|(k, v)| view! { <div><dt>{k.clone()}</dt><dd class="code">{v.clone()}</dd></div> }).collect_view()}
        </dl>
    }
}

//! Connect a cloud: choose its kind, fill in what its driver asks for, probe, save.

use super::{
    form::{CloudFields, Draft},
    probe,
};
use crate::{
    api,
    components::{
        button_action::ButtonAction,
        error_note::ErrorNote,
        load::{Fresh, load},
        page_header::PageHeader,
    },
    state::Session,
};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use model::{
    access::Role,
    cloud::{Cloud, DriverInfo, ProbeReport},
    error::ApiError,
};
use std::collections::BTreeMap;

#[component]
pub fn AddCloudPage() -> impl IntoView {
    view! {
        <PageHeader title="Add cloud" back=("/clouds", "Clouds")/>
        {load(|| "/drivers".to_owned(), &[], draw)}
    }
}

fn draw(fresh: Fresh<Vec<DriverInfo>>) -> impl IntoView {
    let drivers = fresh.value;
    let kind = RwSignal::new(drivers.with_untracked(|d| d.first().map(|d| d.kind.clone()).unwrap_or_default()));
    let driver = Memo::new(move |_| drivers.with(|all| all.iter().find(|d| d.kind == kind.get()).cloned()));
    let choice = move |info: DriverInfo| {
        let (own, value) = (info.kind.clone(), info.kind.clone());
        let on = move || kind.get() == own;
        let first = kind.with_untracked(|k| *k == info.kind);
        view! {
            <label>
                <input type="radio" name="kind" value=value.clone() checked=first prop:checked=on on:change=move |_| kind.set(value.clone())/>
                <b>{info.title}</b>
                <span class="soft">{info.about}</span>
            </label>
        }
    };
    view! {
        <fieldset class="kinds-box">
            <legend class="field-label">"Kind of cloud"</legend>
            <div class="kinds">{move || drivers.get().into_iter().map(choice).collect_view()}</div>
        </fieldset>
        {move || driver.get().map(|info| view! { <NewCloudForm driver=info/> })}
    }
}

#[component]
fn NewCloudForm(driver: DriverInfo) -> impl IntoView {
    let draft = Draft::new(&driver, "", "", &BTreeMap::new());
    let (error, found, accepted) = (RwSignal::new(None::<ApiError>), RwSignal::new(None::<ProbeReport>), RwSignal::new(None::<String>));
    let session = Session::get();
    let may = Signal::derive(move || session.refusal(Role::Administrator));
    let ready = Signal::derive(move || may.get().or_else(|| found.with(|f| not_yet(f.as_ref(), accepted.get().as_ref()))));
    let own = draft.clone();
    let try_it = move || {
        let body = own.body(accepted.get_untracked());
        async move {
            error.set(None);
            match api::post::<_, ProbeReport>("/clouds/probe", &body).await {
                Ok(report) => found.set(Some(report)),
                Err(refusal) => {
                    found.set(None);
                    error.set(Some(refusal));
                }
            }
            Ok(())
        }
    };
    let (own, navigate) = (draft.clone(), use_navigate());
    let save = move || {
        let (body, navigate) = (own.body(accepted.get_untracked()), navigate.clone());
        async move {
            match api::post::<_, Cloud>("/clouds", &body).await {
                Ok(cloud) => navigate(&format!("/clouds/{}", cloud.id), Default::default()),
                Err(refusal) => error.set(Some(refusal)),
            }
            Ok(())
        }
    };
    view! {
        <form class="form" on:submit=move |e| e.prevent_default()>
            <CloudFields draft=draft error=error/>
            {move || error.get().map(|e| view! { <ErrorNote error=e/> })}
            {move || found.get().map(|r| probe::report(r, accepted))}
            <div class="form-foot">
                <ButtonAction label="Probe" run=try_it refused=may/>
                <ButtonAction label="Add cloud" look="primary" run=save refused=ready/>
            </div>
        </form>
    }
}

/// Why it cannot be saved yet.
pub fn not_yet(found: Option<&ProbeReport>, accepted: Option<&String>) -> Option<String> {
    match found {
        None => Some("Probe it first.".to_owned()),
        Some(report) if !report.ok => Some("The probe found problems that must be solved first.".to_owned()),
        Some(report) if report.fingerprint.is_some() && report.fingerprint.as_ref() != accepted => {
            Some("Compare and accept the certificate first.".to_owned())
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saving_waits_for_a_good_probe_and_an_accepted_certificate() {
        let good = ProbeReport { ok: true, fingerprint: Some("ab".into()), ..ProbeReport::default() };
        assert!(not_yet(None, None).is_some());
        assert!(not_yet(Some(&ProbeReport::default()), None).is_some());
        assert!(not_yet(Some(&good), None).is_some());
        assert!(not_yet(Some(&good), Some(&"cd".to_owned())).is_some());
        assert_eq!(not_yet(Some(&good), Some(&"ab".to_owned())), None);
    }
}

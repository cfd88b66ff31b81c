//! The settings of a cloud that is there already. Secrets stay as they are unless new ones are typed.

use super::{
    form::{CloudFields, Draft},
    probe,
};
use crate::{
    api,
    components::{
        button_action::ButtonAction,
        dialog::Dialog,
        error_note::ErrorNote,
        load::{Fresh, load},
    },
};
use leptos::prelude::*;
use model::{
    cloud::{Cloud, DriverInfo, ProbeReport},
    error::ApiError,
};

#[component]
pub fn EditDialog(cloud: RwSignal<Cloud>, open: RwSignal<bool>) -> impl IntoView {
    let title = Signal::derive(move || format!("Settings of {}", cloud.with(|c| c.name.clone())));
    view! {
        <Dialog open=open title=title>
            {load(|| "/drivers".to_owned(), &[], move |drivers: Fresh<Vec<DriverInfo>>| {
                let known = cloud.get_untracked();
                let driver = drivers.value.with_untracked(|all| all.iter().find(|d| d.kind == known.kind).cloned());
                driver.map(|driver| view! { <EditForm driver=driver known=known cloud=cloud open=open/> })
            })}
        </Dialog>
    }
}

#[component]
fn EditForm(driver: DriverInfo, known: Cloud, cloud: RwSignal<Cloud>, open: RwSignal<bool>) -> impl IntoView {
    let draft = Draft::new(&driver, &known.name, &known.site, &known.fields);
    let (error, found, accepted) =
        (RwSignal::new(None::<ApiError>), RwSignal::new(None::<ProbeReport>), RwSignal::new(known.fingerprint.clone()));
    let path = StoredValue::new(format!("/clouds/{}", known.id));
    let own = draft.clone();
    let save = move || {
        let body = own.body(accepted.get_untracked());
        async move {
            match api::put::<_, Cloud>(&path.get_value(), &body).await {
                Ok(saved) => {
                    cloud.try_set(saved);
                    open.try_set(false);
                }
                Err(refusal) => error.set(Some(refusal)),
            }
            Ok(())
        }
    };
    // What is typed, with the secrets that are stored where none is typed.
    let own = draft.clone();
    let try_it = move || {
        let body = own.body(accepted.get_untracked());
        async move {
            error.set(None);
            match api::post::<_, ProbeReport>(&format!("{}/probe", path.get_value()), &body).await {
                Ok(report) => found.set(Some(report)),
                Err(refusal) => {
                    found.set(None);
                    error.set(Some(refusal));
                }
            }
            Ok(())
        }
    };
    view! {
        <form on:submit=move |e| e.prevent_default()>
            <div class="dialog-body">
                <CloudFields draft=draft error=error editing=true/>
                {move || error.get().map(|e| view! { <ErrorNote error=e/> })}
                {move || found.get().map(|r| probe::report(r, accepted))}
            </div>
            <footer class="dialog-foot">
                <ButtonAction label="Probe" run=try_it/>
                <ButtonAction label="Save" look="primary" run=save/>
            </footer>
        </form>
    }
}

//! Edits name, target, policy and mappings of a group.

use super::{draft::GroupDraft, fields::GroupFields, group_form::GroupForm, save};
use crate::{
    api,
    components::{button_action::ButtonAction, error_note::ErrorNote, load::Loading},
};
use leptos::prelude::*;
use model::{Page, cloud::Cloud, protection::Group};

#[component]
pub fn EditForm(group: RwSignal<Group>, open: RwSignal<bool>) -> impl IntoView {
    let clouds = LocalResource::new(|| api::get::<Page<Cloud>>("/clouds?limit=500"));
    move || match clouds.get() {
        None => view! { <Loading/> }.into_any(),
        Some(Err(error)) => view! { <ErrorNote error/> }.into_any(),
        Some(Ok(page)) => view! { <Form group clouds=page.items open/> }.into_any(),
    }
}

#[component]
fn Form(group: RwSignal<Group>, clouds: Vec<Cloud>, open: RwSignal<bool>) -> impl IntoView {
    let fields = GroupFields::new(group.with_untracked(GroupDraft::of));
    // Of what the form was filled from, whatever the page shows by the time it is sent.
    let version = group.with_untracked(|g| g.version);
    let clouds = StoredValue::new(clouds);
    let run = move || async move {
        let body = save::checked(fields, clouds, &[])?;
        let path = format!("/groups/{}", group.with_untracked(|g| g.id.clone()));
        let saved = save::kept(fields, api::put_version::<_, Group>(&path, version, &body).await)?;
        group.try_set(saved);
        open.try_set(false);
        Ok(())
    };
    view! {
        <div class="dialog-body">
            <GroupForm fields clouds fixed_site=true/>
        </div>
        <footer class="dialog-foot">
            <button type="button" class="button" on:click=move |_| open.set(false)>"Leave it"</button>
            <ButtonAction label="Save" look="primary" run=run/>
        </footer>
    }
}

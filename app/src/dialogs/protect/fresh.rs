//! Makes a new group of the machines.

use crate::{
    api,
    components::button_action::ButtonAction,
    pages::protection::{draft::GroupDraft, fields::GroupFields, group_form::GroupForm, save},
};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use model::{Id, cloud::Cloud, protection::Group};

#[component]
pub fn Fresh(
    clouds: StoredValue<Vec<Cloud>>,
    taken: StoredValue<Vec<String>>,
    site: String,
    ids: StoredValue<Vec<Id>>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let fields = GroupFields::new(GroupDraft::new(&site, ids.get_value()));
    let navigate = StoredValue::new(use_navigate());
    let run = move || async move {
        let body = save::checked(fields, clouds, &taken.get_value())?;
        let group = save::kept(fields, api::post::<_, Group>("/groups", &body).await)?;
        open.try_set(false);
        navigate.with_value(|go| go(&format!("/protection/{}", group.id), Default::default()));
        Ok(())
    };
    view! {
        <div class="dialog-body">
            <GroupForm fields clouds fixed_site=true/>
        </div>
        <footer class="dialog-foot">
            <button type="button" class="button" on:click=move |_| open.set(false)>"Leave it"</button>
            <ButtonAction label="Protect" look="primary" run=run/>
        </footer>
    }
}

//! A new protection group: `/protection/new`, also with `?site=berlin&machine=<id>` from elsewhere.

use super::{draft::GroupDraft, fields::GroupFields, group_form::GroupForm, machine_picker::MachinePicker, save};
use crate::{
    api,
    components::{
        button_action::ButtonAction,
        load::{Fresh, load},
        page_header::PageHeader,
    },
    state::Session,
};
use leptos::prelude::*;
use leptos_router::hooks::{use_navigate, use_query_map};
use model::{Page, access::Role, cloud::Cloud, protection::Group};

#[component]
pub fn NewGroupPage() -> impl IntoView {
    view! {
        <PageHeader title="New protection group" back=("/protection", "Protection")/>
        {load(|| "/clouds?limit=500".into(), &[], |page: Fresh<Page<Cloud>>| {
            let clouds = page.value.with_untracked(|p| p.items.clone());
            view! { <Form clouds/> }
        })}
    }
}

#[component]
fn Form(clouds: Vec<Cloud>) -> impl IntoView {
    let query = use_query_map().get_untracked();
    let machines: Vec<String> = query.get("machine").into_iter().collect();
    let fields = GroupFields::new(GroupDraft::new(&query.get("site").unwrap_or_default(), machines));
    let clouds = StoredValue::new(clouds);
    let session = Session::get();
    let refused = Signal::derive(move || session.refusal(Role::Administrator));
    let navigate = StoredValue::new(use_navigate());
    let run = move || async move {
        let body = save::checked(fields, clouds, &[])?;
        let group = save::kept(fields, api::post::<_, Group>("/groups", &body).await)?;
        navigate.with_value(|go| go(&format!("/protection/{}", group.id), Default::default()));
        Ok(())
    };
    view! {
        <div class="form">
            <GroupForm fields clouds/>
            <Show when=move || fields.site.with(|s| !s.is_empty())>
                <MachinePicker site=fields.site.into() chosen=fields.machines/>
            </Show>
            <ButtonAction label="Protect" look="primary" refused run=run/>
        </div>
    }
}

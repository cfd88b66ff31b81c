//! Adds the machines to a group that is there.

use crate::{
    api,
    components::{button_action::ButtonAction, field::SelectField},
    format,
};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use model::{Id, protection::Group};

#[component]
pub fn Existing(groups: StoredValue<Vec<Group>>, ids: StoredValue<Vec<Id>>, open: RwSignal<bool>) -> impl IntoView {
    let label = |g: &Group| format!("{} → {}, objective {}", g.name, g.recovery_site, format::seconds(g.policy.rpo_seconds));
    let options: Vec<(String, String)> = groups.with_value(|list| list.iter().map(|g| (g.id.clone(), label(g))).collect());
    let group = RwSignal::new(options.first().map(|o| o.0.clone()).unwrap_or_default());
    let navigate = StoredValue::new(use_navigate());
    let run = move || {
        let path = format!("/groups/{}/members", group.get_untracked());
        let body = serde_json::json!({ "machine_ids": ids.get_value() });
        async move {
            let group = api::post::<_, Group>(&path, &body).await?;
            open.try_set(false);
            navigate.with_value(|go| go(&format!("/protection/{}", group.id), Default::default()));
            Ok(())
        }
    };
    view! {
        <div class="dialog-body">
            <SelectField label="Group" name="protect-group" value=group options=options/>
        </div>
        <footer class="dialog-foot">
            <button type="button" class="button" on:click=move |_| open.set(false)>"Leave it"</button>
            <ButtonAction label="Protect" look="primary" run=run/>
        </footer>
    }
}

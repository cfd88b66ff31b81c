//! Adds machines of the protected site to a group.

use super::machine_picker::MachinePicker;
use crate::{api, components::button_action::ButtonAction};
use leptos::prelude::*;
use model::protection::Group;

#[component]
pub fn AddMachines(group: RwSignal<Group>, open: RwSignal<bool>) -> impl IntoView {
    let chosen = RwSignal::new(Vec::<String>::new());
    let site = Signal::derive(move || group.with(|g| g.protected_site.clone()));
    let refused = Signal::derive(move || chosen.with(Vec::is_empty).then(|| "Choose at least one machine.".to_owned()));
    let run = move || {
        let path = format!("/groups/{}/members", group.with_untracked(|g| g.id.clone()));
        let body = serde_json::json!({ "machine_ids": chosen.get_untracked() });
        async move {
            group.try_set(api::post::<_, Group>(&path, &body).await?);
            open.try_set(false);
            Ok(())
        }
    };
    view! {
        <div class="dialog-body"><MachinePicker site chosen/></div>
        <footer class="dialog-foot">
            <button type="button" class="button" on:click=move |_| open.set(false)>"Leave it"</button>
            <ButtonAction label="Add" look="primary" refused run=run/>
        </footer>
    }
}

//! What can be done with a group: pause, resume, add machines, edit, delete.

use super::{add_machines::AddMachines, edit_form::EditForm, reprotect::Reprotect, targets::TargetDialog};
use crate::{
    api,
    components::{button_action::ButtonAction, confirm_dialog::ConfirmDialog, dialog::Dialog},
    state::Session,
};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use model::{access::Role, protection::Group};

#[component]
pub fn GroupTools(group: RwSignal<Group>) -> impl IntoView {
    let (adding, editing, deleting) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    let targeting = RwSignal::new(false);
    let session = Session::get();
    view! {
        <Reprotect group/>
        <Pause group/>
        <Show when=move || session.may(Role::Administrator)>
            <button type="button" class="button" on:click=move |_| adding.set(true)>"Add machines"</button>
            <button type="button" class="button" on:click=move |_| targeting.set(true)>"Add a target"</button>
            <button type="button" class="button" on:click=move |_| editing.set(true)>"Edit"</button>
            <button type="button" class="button danger" on:click=move |_| deleting.set(true)>"Delete"</button>
        </Show>
        <Dialog open=adding title="Add machines" look="wide"><AddMachines group open=adding/></Dialog>
        <Dialog open=targeting title="Replicate to one more cloud" look="wide"><TargetDialog group open=targeting target=None/></Dialog>
        <Dialog open=editing title="Edit the group" look="wide"><EditForm group open=editing/></Dialog>
        <Delete group open=deleting/>
    }
}

#[component]
fn Pause(group: RwSignal<Group>) -> impl IntoView {
    let session = Session::get();
    let paused = Memo::new(move |_| group.with(|g| g.paused));
    let refused = Signal::derive(move || session.refusal(Role::Operator));
    let label = Signal::derive(move || if paused.get() { "Resume replication".to_owned() } else { "Pause replication".to_owned() });
    let run = move || {
        let verb = if paused.get_untracked() { "resume" } else { "pause" };
        let path = format!("/groups/{}/{verb}", group.with_untracked(|g| g.id.clone()));
        async move {
            group.try_set(api::post::<_, Group>(&path, &()).await?);
            Ok(())
        }
    };
    view! { <ButtonAction label refused run=run/> }
}

#[component]
fn Delete(group: RwSignal<Group>, open: RwSignal<bool>) -> impl IntoView {
    let title = Signal::derive(move || group.with(|g| format!("Delete {}", g.name)));
    let count = move || group.with(|g| g.members.len());
    let navigate = StoredValue::new(use_navigate());
    let run = move || {
        let path = format!("/groups/{}", group.with_untracked(|g| g.id.clone()));
        async move {
            api::delete::<serde_json::Value>(&path).await?;
            navigate.with_value(|go| go("/protection", Default::default()));
            Ok(())
        }
    };
    view! {
        <ConfirmDialog open title verb="Delete the group" phrase=group.with_untracked(|g| g.name.clone()) run=run>
            <p>"Replication of its "{count}" machines ends. If their site is lost after that, they are lost too."</p>
        </ConfirmDialog>
    }
}

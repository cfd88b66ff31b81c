//! Takes one machine out of its group, after a question.

use crate::{api, components::confirm_dialog::ConfirmDialog, state::Session};
use leptos::prelude::*;
use model::{
    access::Role,
    protection::{Group, Member},
};

#[component]
pub fn RemoveMember(member: Memo<Member>, group: RwSignal<Group>) -> impl IntoView {
    let open = RwSignal::new(false);
    let session = Session::get();
    let name = Signal::derive(move || member.with(|m| m.name.clone()));
    let title = Signal::derive(move || format!("Remove {} from the group", name.get()));
    let run = move || {
        let (group_id, id) = member.with_untracked(|m| (m.group_id.clone(), m.id.clone()));
        async move {
            api::delete::<serde_json::Value>(&format!("/groups/{group_id}/members/{id}")).await?;
            group.try_update(|g| g.members.retain(|m| m.id != id));
            Ok(())
        }
    };
    view! {
        <Show when=move || session.may(Role::Administrator)>
            <button type="button" class="button small quiet" aria-label=title on:click=move |_| open.set(true)>"Remove"</button>
            <ConfirmDialog open title verb="Remove" run=run>
                <p>{name}" is no longer protected from then on: if its site is lost, it is lost too."</p>
            </ConfirmDialog>
        </Show>
    }
}

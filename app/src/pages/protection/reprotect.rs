//! The way back: protects machines that were recovered at the other site in the other direction. Says first what it sends.

use crate::{
    api,
    components::{button_action::ButtonAction, confirm_dialog::ConfirmDialog, error_note::ErrorNote},
    dialogs::problems::Problems,
    format,
    state::Session,
};
use leptos::prelude::*;
use model::{
    access::Role,
    protection::{Group, ReplicationState, Reprotection},
};

/// Only for a group that was failed over.
#[component]
pub fn Reprotect(group: RwSignal<Group>) -> impl IntoView {
    let open = RwSignal::new(false);
    let recovered = Memo::new(move |_| group.with(|g| g.members.iter().any(|m| m.replication.state == ReplicationState::Recovered)));
    let session = Session::get();
    let refused = Signal::derive(move || session.refusal(Role::Operator));
    let show = move || async move {
        open.set(true);
        Ok(())
    };
    let title = Signal::derive(move || group.with(|g| format!("Reprotect {}", g.name)));
    let run = move || {
        let path = format!("/groups/{}/reprotect", group.with_untracked(|g| g.id.clone()));
        async move {
            group.try_set(api::post::<_, Group>(&path, &()).await?);
            Ok(())
        }
    };
    view! {
        <Show when=move || recovered.get()>
            <ButtonAction label="Reprotect …" look="primary" refused=refused run=show/>
            <ConfirmDialog open=open title=title verb="Reprotect" run=run><Found group/></ConfirmDialog>
        </Show>
    }
}

#[component]
fn Found(group: RwSignal<Group>) -> impl IntoView {
    let path = format!("/groups/{}/reprotect", group.with_untracked(|g| g.id.clone()));
    let found = LocalResource::new(move || {
        let path = path.clone();
        async move { api::get::<Reprotection>(&path).await }
    });
    move || match found.get() {
        None => view! { <p class="loading" role="status">"Looking at both sites …"</p> }.into_any(),
        Some(Err(error)) => view! { <ErrorNote error/> }.into_any(),
        Some(Ok(r)) => told(r).into_any(),
    }
}

fn told(r: Reprotection) -> impl IntoView {
    view! {
        {r.refused.map(|why| view! { <p class="refused" role="status">"Not possible now: "{why}</p> })}
        <p>
            {format!("{} machines run at {} and are protected to {} ({}) from then on. ", r.machines.len(), r.from, r.to, r.target_cloud)}
            "Everything is sent once: about "<strong class="num">{format::bytes(r.bytes)}</strong>". The old copies there stay as they are."
        </p>
        <ul>
            {r.machines.into_iter().map(|m| view! { <li>{m.name}": about "<span class="num">{format::bytes(m.bytes)}</span></li> }).collect_view()}
        </ul>
        <Problems problems=r.problems/>
    }
}

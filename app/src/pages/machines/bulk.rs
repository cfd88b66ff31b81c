//! What can be done with the chosen rows. Each machine answers for itself: a refusal of one stops no other.

use super::{power, table::Chosen};
use crate::{
    components::{confirm_dialog::ConfirmDialog, toast::Toasts},
    dialogs::protect::ProtectDialog,
    state::Session,
};
use leptos::prelude::*;
use model::{Id, access::Role, machine::PowerAction};

#[component]
pub fn BulkBar(chosen: Chosen) -> impl IntoView {
    let (protect, stop) = (RwSignal::new(false), RwSignal::new(false));
    let ids = Signal::derive(move || chosen.with(|c| c.keys().cloned().collect::<Vec<Id>>()));
    let (session, toasts) = (Session::get(), Toasts::get());
    let refused = move || session.refusal(Role::Operator);
    let open = move |dialog: RwSignal<bool>, role: Role| {
        if session.may(role) {
            dialog.set(true);
        }
    };
    let start = move |_| {
        if session.may(Role::Operator) {
            leptos::task::spawn_local(each(chosen, PowerAction::Start, toasts));
        }
    };
    let disabled = move || refused().is_some().to_string();
    view! {
        <Show when=move || chosen.with(|c| !c.is_empty())>
            <div class="bulk" role="region" aria-label="Chosen machines">
                <b>{move || chosen.with(|c| c.len())} " chosen"</b>
                <button type="button" class="button" aria-disabled=disabled title=refused on:click=start>"Start"</button>
                <button type="button" class="button" aria-disabled=disabled title=refused on:click=move |_| open(stop, Role::Operator)>"Stop …"</button>
                <button
                    type="button"
                    class="button"
                    aria-disabled=move || (!session.may(Role::Administrator)).to_string()
                    title=move || session.refusal(Role::Administrator)
                    on:click=move |_| open(protect, Role::Administrator)
                >
                    "Protect …"
                </button>
                <button type="button" class="button quiet" on:click=move |_| chosen.update(|c| c.clear())>"Choose none"</button>
            </div>
        </Show>
        <ProtectDialog machines=ids open=protect/>
        <ConfirmDialog open=stop title="Stop these machines?" verb="Stop them" run=move || async move { each(chosen, PowerAction::Stop, toasts).await; Ok(()) }>
            <p>"They are asked to shut down:"</p>
            <p>{move || chosen.with(|c| c.values().cloned().collect::<Vec<_>>().join(", "))}</p>
        </ConfirmDialog>
    }
}

/// One after the other: the guard in front of each cloud sets the pace.
async fn each(chosen: Chosen, action: PowerAction, toasts: Toasts) {
    let all = chosen.get_untracked();
    let mut done = 0_usize;
    for (id, name) in &all {
        match power(id, action).await {
            Ok(_) => done += 1,
            Err(error) => toasts.error_about(name, &error),
        }
    }
    if done > 0 {
        toasts.say(format!("{done} of {} asked.", all.len()));
    }
}

//! A new password in place of the one that one has; a one-time password is for one time.

use super::ready;
use crate::{
    api,
    components::{
        error_note::ErrorNote,
        field::{TextField, error_of},
    },
};
use leptos::{ev, prelude::*};
use model::{
    access::{ChangePassword, Me},
    error::ApiError,
};

#[component]
pub fn ChangeForm(
    /// Not asked for when it is known already.
    old: RwSignal<String>,
    old_label: &'static str,
    done: Callback<Me>,
) -> impl IntoView {
    let (new, again) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (error, pending, ready) = (RwSignal::new(None::<ApiError>), RwSignal::new(false), ready());
    let known = old.with_untracked(|o| !o.is_empty());
    let differs =
        Signal::derive(move || (!again.get().is_empty() && again.get() != new.get()).then(|| "Not the same as above.".to_owned()));
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if pending.get_untracked() || new.get_untracked() != again.get_untracked() {
            return;
        }
        pending.set(true);
        leptos::task::spawn_local(async move {
            let body = ChangePassword { old: old.get_untracked(), new: new.get_untracked() };
            match api::post::<_, Me>("/me/password", &body).await {
                Ok(me) => done.run(me),
                Err(refusal) => drop(error.try_set(Some(refusal))),
            }
            pending.try_set(false);
        });
    };
    view! {
        <form class="form" method="post" on:submit=submit>
            <Show when=move || !known>
                <TextField label=old_label name="old" value=old kind="password" autocomplete="current-password" required=true error=error_of(error, "old")/>
            </Show>
            <TextField label="New password" name="new" value=new kind="password" autocomplete="new-password" required=true error=error_of(error, "new")/>
            <TextField label="New password again" name="again" value=again kind="password" autocomplete="new-password" required=true error=differs/>
            {move || error.get().map(|e| view! { <ErrorNote error=e/> })}
            <button class="button primary big" type="submit" disabled=move || !ready.get() aria-busy=move || pending.get().to_string()>
                "Change it"
            </button>
        </form>
    }
}

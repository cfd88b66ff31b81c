//! Change one's own password, at any time. All other sessions of the same user end.

use super::session;
use crate::{
    components::{dialog::Dialog, toast::Toasts},
    pages::sign_in::ChangeForm,
    state::Session,
};
use leptos::prelude::*;

#[component]
pub fn PasswordDialog(open: RwSignal<bool>) -> impl IntoView {
    let (current, toasts) = (Session::get(), Toasts::get());
    let done = Callback::new(move |me| {
        session::take(current, me);
        open.set(false);
        toasts.say("The password is changed; other sessions have ended.");
    });
    view! {
        <Dialog open=open title="Change your password">
            <div class="dialog-body">
                <ChangeForm old=RwSignal::new(String::new()) old_label="Present password" done=done/>
            </div>
        </Dialog>
    }
}

//! Name and password.

use super::{enter, ready};
use crate::{
    api,
    components::{error_note::ErrorNote, field::TextField},
    state::Session,
};
use leptos::{ev, prelude::*};
use model::{
    access::{Me, SignIn},
    error::ApiError,
};

#[component]
pub fn SignInForm(next: Signal<String>, password: RwSignal<String>) -> impl IntoView {
    let (name, error, pending) = (RwSignal::new(String::new()), RwSignal::new(None::<ApiError>), RwSignal::new(false));
    let (session, ready) = (Session::get(), ready());
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if pending.get_untracked() {
            return;
        }
        pending.set(true);
        leptos::task::spawn_local(async move {
            let body = SignIn { name: name.get_untracked(), password: password.get_untracked() };
            match api::post::<_, Me>("/session", &body).await {
                Ok(me) => admit(session, me, &next.get_untracked()),
                Err(refusal) => error.set(Some(refusal)),
            }
            pending.set(false);
        });
    };
    view! {
        <form class="form" method="post" on:submit=submit>
            <TextField label="Name" name="name" value=name autocomplete="username" required=true/>
            <TextField label="Password" name="password" value=password kind="password" autocomplete="current-password" required=true/>
            {move || error.get().map(|e| view! { <ErrorNote error=e/> })}
            <button class="button primary big" type="submit" disabled=move || !ready.get() aria-busy=move || pending.get().to_string()>
                "Sign in"
            </button>
            <noscript><p class="soft">"Signing in needs JavaScript. The wallboard does not."</p></noscript>
        </form>
    }
}

fn admit(session: Session, me: Me, next: &str) {
    #[cfg(feature = "hydrate")]
    crate::state::remember_csrf(&me.csrf);
    let done = !me.must_change_password;
    session.0.set(Some(me));
    if done {
        enter(next);
    }
}

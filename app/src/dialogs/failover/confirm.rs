//! The typed confirmation and the red button.

use super::{
    loss::{self, Choices},
    targets,
};
use crate::{
    api,
    components::{error_note::ErrorNote, field::TextField},
    state::Session,
};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use model::{
    access::Role,
    error::ApiError,
    run::{BlastRadius, FailoverRequest, Run},
};

#[component]
pub fn Confirm(site: String, radius: RwSignal<Option<BlastRadius>>, choices: Choices, open: RwSignal<bool>) -> impl IntoView {
    let (name, statement) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let wanted = Memo::new(move |_| radius.with(|r| r.as_ref().map(|r| (r.confirm.clone(), r.statement.clone())).unwrap_or_default()));
    let session = Session::get();
    let refused = Memo::new(move |_| {
        session
            .refusal(Role::Operator)
            .or_else(|| radius.with(|r| r.as_ref().and_then(loss::blocked)))
            .or_else(|| missing(&wanted.get(), &name.get(), &statement.get()))
    });
    let label = format!("Fail over {site}");
    view! {
        <footer class="dialog-foot confirm">
            <Show when=move || wanted.with(|w| w.1.is_some())>
                <Statement text=Signal::derive(move || wanted.get().1.unwrap_or_default()) value=statement/>
            </Show>
            {move || view! { <TextField label=format!("Type “{}” to confirm", wanted.get().0) name="failover-confirm" value=name/> }}
            <Press label site refused request=Signal::derive(move || FailoverRequest {
                confirm: name.get().trim().into(),
                statement: wanted.get().1.map(|_| statement.get().trim().into()),
                plan_ids: vec![],
                points: loss::points(&choices.get()),
                targets: radius.with(|r| targets::shown(r.as_ref())),
                spread: false,
            }) open/>
        </footer>
    }
}

fn missing((confirm, statement): &(String, Option<String>), name: &str, said: &str) -> Option<String> {
    if statement.as_ref().is_some_and(|s| !loss::typed(s, said)) {
        return Some("Type the statement first, word for word.".into());
    }
    (!loss::typed(confirm, name)).then(|| format!("Type “{confirm}” first."))
}

#[component]
fn Statement(text: Signal<String>, value: RwSignal<String>) -> impl IntoView {
    view! {
        <div class="note bad">
            <p>
                "It could not be proved that the old copies are off. If one still runs while another starts, both write and the data "
                "part for ever. Make sure by other means (power, remote console, somebody on site), then type this; it is recorded with your name:"
            </p>
            <blockquote>{text}</blockquote>
        </div>
        <TextField label="The statement, word for word" name="failover-statement" value=value/>
    }
}

#[component]
fn Press(
    label: String,
    site: String,
    refused: Memo<Option<String>>,
    request: Signal<FailoverRequest>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let busy = RwSignal::new(false);
    let error = RwSignal::new(None::<ApiError>);
    let navigate = use_navigate();
    let press = move |_| {
        if busy.get_untracked() || refused.with_untracked(Option::is_some) {
            return;
        }
        busy.set(true);
        error.set(None);
        let (navigate, path, body) = (navigate.clone(), format!("/sites/{site}/failover"), request.get_untracked());
        spawn_local(async move {
            match api::post::<_, Run>(&path, &body).await {
                Ok(run) => {
                    open.try_set(false);
                    navigate(&format!("/runs/{}", run.id), Default::default());
                }
                Err(e) => {
                    error.try_set(Some(e));
                }
            }
            busy.try_set(false);
        });
    };
    view! {
        {move || error.get().map(|error| view! { <ErrorNote error/> })}
        <div class="row">
            <p class="refused" role="status">{move || refused.get()}</p>
            <button type="button" class="button" on:click=move |_| open.set(false)>"Leave it"</button>
            <button
                type="button" class="button danger"
                aria-disabled=move || (busy.get() || refused.with(Option::is_some)).to_string()
                aria-busy=move || busy.get().to_string()
                on:click=press
            >{label}</button>
        </div>
    }
}

//! The form of a move: the choice of the target, the options, the findings, and the one button.

use super::{
    fields::{MoveFields, Parsed},
    options::Options,
    preflight::Preflight,
    target::Target,
};
use crate::{api, components::error_note::ErrorNote, state::Session};
use leptos::{leptos_dom::helpers::debounce, prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use model::{
    access::Role,
    cloud::Cloud,
    error::ApiError,
    machine::Machine,
    run::{MovePreflight, MoveRequest, Run},
};
use std::time::Duration;

/// What the node found, together with the request that it is about: an older finding must not free the button.
pub type Finding = (MoveRequest, api::Result<MovePreflight>);

/// So that typing a number asks once, not for each digit.
const PAUSE_IN_TYPING: Duration = Duration::from_millis(350);

#[component]
pub fn MoveForm(machine: Machine, clouds: Vec<Cloud>, open: RwSignal<bool>) -> impl IntoView {
    let fields = MoveFields::new(&machine);
    let request: Parsed = Memo::new(move |_| fields.draft().parse());
    let asked = settled(request);
    let finding = LocalResource::new(move || check(asked.get()));
    let clear = Memo::new(move |_| match (finding.get().flatten(), request.get()) {
        (Some((asked, Ok(found))), Ok(wanted)) => asked == wanted && !found.problems.iter().any(model::Problem::blocks),
        _ => false,
    });
    let name = machine.row.name.clone();
    let place = format!("{} at {}", machine.row.cloud, machine.row.site);
    let (machine, clouds) = (StoredValue::new(machine), StoredValue::new(clouds));
    view! {
        <div class="dialog-body">
            <p class="lead"><b>{name}</b>" is in "{place}"."</p>
            <Target fields machine clouds/>
            <Show when=move || fields.target.with(|t| !t.is_empty())>
                <Options fields request machine clouds finding/>
                <Preflight request finding/>
            </Show>
        </div>
        <Start request clear open/>
    }
}

/// The request, once nobody has changed it for a moment.
fn settled(request: Parsed) -> RwSignal<Option<MoveRequest>> {
    let asked = RwSignal::new(None);
    let mut later = debounce(PAUSE_IN_TYPING, move |wanted| {
        asked.try_set(wanted);
    });
    Effect::new(move |_| later(request.get().ok()));
    asked
}

async fn check(request: Option<MoveRequest>) -> Option<Finding> {
    let request = request?;
    let answer = api::post("/moves/preflight", &request).await;
    Some((request, answer))
}

#[component]
fn Start(request: Parsed, clear: Memo<bool>, open: RwSignal<bool>) -> impl IntoView {
    let busy = RwSignal::new(false);
    let error = RwSignal::new(None::<ApiError>);
    let session = Session::get();
    let refused = move || session.refusal(Role::Operator);
    let navigate = use_navigate();
    let start = move |_| {
        let Ok(request) = request.get_untracked() else { return };
        let navigate = navigate.clone();
        busy.set(true);
        error.set(None);
        spawn_local(async move {
            match api::post::<_, Run>("/moves", &request).await {
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
        <footer class="dialog-foot">
            {move || error.get().map(|error| view! { <ErrorNote error/> })}
            {move || refused().map(|why| view! { <p class="note">{why}</p> })}
            <button type="button" class="button" on:click=move |_| open.set(false)>"Leave it"</button>
            <button
                type="button" class="button primary"
                disabled=move || !clear.get() || busy.get() || refused().is_some()
                aria-busy=move || busy.get().to_string()
                on:click=start
            >"Move to cloud"</button>
        </footer>
    }
}

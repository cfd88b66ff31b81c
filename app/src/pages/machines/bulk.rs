//! What can be done with the chosen rows. Each machine answers for itself: a refusal of one stops no other.

use super::{choice::Choice, power};
use crate::{
    api,
    components::{confirm_dialog::ConfirmDialog, toast::Toasts},
    dialogs::protect::ProtectDialog,
    state::Session,
};
use leptos::prelude::*;
use model::{Id, access::Role, error::ApiError, machine::PowerAction};

#[component]
pub fn BulkBar(choice: Choice) -> impl IntoView {
    let chosen = choice.names;
    let (protect, start, stop) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    let ids = Signal::derive(move || chosen.with(|c| c.keys().cloned().collect::<Vec<Id>>()));
    view! {
        <Show when=move || chosen.with(|c| !c.is_empty())>
            <div class="bulk" role="region" aria-label="Chosen machines">
                <b>{move || chosen.with(|c| c.len())} " chosen"</b>
                {opener("Start …", Role::Operator, start)}
                {opener("Stop …", Role::Operator, stop)}
                {opener("Protect …", Role::Administrator, protect)}
                <button type="button" class="button quiet" on:click=move |_| choice.clear()>"Choose none"</button>
            </div>
        </Show>
        <ProtectDialog machines=ids open=protect/>
        <Power choice action=PowerAction::Start open=start/>
        <Power choice action=PowerAction::Stop open=stop/>
    }
}

fn opener(label: &'static str, role: Role, dialog: RwSignal<bool>) -> impl IntoView {
    let session = Session::get();
    let press = move |_| {
        if session.may(role) {
            dialog.set(true);
        }
    };
    view! {
        <button type="button" class="button" aria-disabled=move || (!session.may(role)).to_string() title=move || session.refusal(role) on:click=press>
            {label}
        </button>
    }
}

#[component]
fn Power(choice: Choice, action: PowerAction, open: RwSignal<bool>) -> impl IntoView {
    let toasts = Toasts::get();
    let (title, verb, what) = match action {
        PowerAction::Start => ("Start these machines?", "Start them", "They are started one after the other:"),
        _ => ("Stop these machines?", "Stop them", "They are asked to shut down, one after the other:"),
    };
    let run = move || async move {
        each(choice, action, toasts).await;
        Ok(())
    };
    view! {
        <ConfirmDialog open=open title=title verb=verb run=run>
            <p>{what}</p>
            <p>{move || choice.names.with(|n| listed(n.values().map(String::as_str)))}</p>
        </ConfirmDialog>
    }
}

/// So many names are read, more are counted.
const NAMED: usize = 24;

fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let mut text = names.take(NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}

/// So many refusals are told one by one.
const TOLD: usize = 3;

/// One after the other: the guard in front of each cloud sets the pace.
async fn each(choice: Choice, action: PowerAction, toasts: Toasts) {
    let all = choice.names.get_untracked();
    let mut refused = vec![];
    for (id, name) in &all {
        if let Err(error) = power(id, action).await {
            refused.push((name, error));
        }
    }
    tell(&refused, toasts);
    let done = all.len() - refused.len();
    if done > 0 {
        toasts.say(format!("{done} of {} asked.", all.len()));
    }
}

fn tell(refused: &[(&String, ApiError)], toasts: Toasts) {
    for (name, error) in refused.iter().take(TOLD) {
        toasts.error_about(name, error);
    }
    if let Some(more) = refused.get(TOLD..).filter(|more| !more.is_empty()) {
        let names = listed(more.iter().map(|(name, _)| name.as_str()));
        toasts.error(&api::failed(format!("Also refused: {names}.")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_names_are_read_and_many_are_counted() {
        assert_eq!(listed(["a", "b"].into_iter()), "a, b");
        let many: Vec<String> = (0..30).map(|n| format!("m{n}")).collect();
        assert!(listed(many.iter().map(String::as_str)).ends_with("m23 and 6 more"));
    }
}

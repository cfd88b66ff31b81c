//! Saves the draft, or throws it away; deletes the plan.

use super::{draft, editor::Draft};
use crate::{
    api,
    components::{button_action::ButtonAction, confirm_dialog::ConfirmDialog, error_note::ErrorNote, toast::Toasts},
    state::Session,
};
use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use model::{
    Id,
    access::Role,
    error::{ApiError, FieldError},
    plan::Plan,
};

#[component]
pub fn Save(draft: Draft, id: Option<Id>) -> impl IntoView {
    let session = Session::get();
    let faults = Memo::new(move |_| draft.faults());
    let refused = Signal::derive(move || {
        let wrong = || faults.with(|f| (!f.is_empty()).then(|| "Mend what is listed first.".to_owned()));
        let same = || (!draft.changed()).then(|| "Nothing has changed.".to_owned());
        session.refusal(Role::Administrator).or_else(same).or_else(wrong)
    });
    let kept = StoredValue::new(id.clone());
    let navigate = StoredValue::new(use_navigate());
    let toasts = Toasts::get();
    let run = move || async move {
        let spec = draft.whole_untracked();
        let answer = match kept.get_value() {
            Some(id) => api::put_version::<_, Plan>(&format!("/plans/{id}"), draft.base.get_untracked(), &spec).await,
            None => api::post("/plans", &spec).await,
        };
        let plan = match answer {
            Ok(plan) => plan,
            Err(refusal) => {
                draft.refusal.try_set(Some(refusal));
                return Ok(());
            }
        };
        toasts.say("Saved.");
        if kept.with_value(Option::is_none) {
            navigate.with_value(|go| go(&format!("/plans/{}", plan.id), NavigateOptions::default()));
        } else {
            draft.version.set(plan.version);
            draft.saved.set(plan.spec);
            draft.reset();
        }
        Ok(())
    };
    view! {
        <section class="plan-save" aria-label="Save">
            <Show when=move || draft.changed() && faults.with(|f| !f.is_empty())>
                <ul class="faults">{move || faults.get().into_iter().map(|text| view! { <li>{text}</li> }).collect_view()}</ul>
            </Show>
            {move || draft.refusal.get().map(|error| view! { <ErrorNote error=named(error, draft)/> })}
            <div class="row">
                <ButtonAction label="Save the plan" look="primary" refused run=run/>
                <button type="button" class="button" disabled=move || !draft.changed() on:click=move |_| draft.reset()>"Undo all changes"</button>
                {id.map(|id| view! { <Delete id name=Signal::derive(move || draft.saved.with(|s| s.name.clone()))/> })}
            </div>
        </section>
    }
}

/// With the names of what the node calls by its place in a list.
fn named(error: ApiError, draft: Draft) -> ApiError {
    let fields = untrack(|| {
        draft.spec.with(|s| {
            draft
                .groups
                .with(|p| error.fields.iter().map(|f| FieldError { field: draft::place(s, &p.items, &f.field), ..f.clone() }).collect())
        })
    });
    ApiError { fields, ..error }
}

#[component]
fn Delete(id: Id, name: Signal<String>) -> impl IntoView {
    let open = RwSignal::new(false);
    let session = Session::get();
    let path = StoredValue::new(format!("/plans/{id}"));
    let navigate = StoredValue::new(use_navigate());
    let run = move || async move {
        api::delete::<serde_json::Value>(&path.get_value()).await?;
        navigate.with_value(|go| go("/plans", NavigateOptions::default()));
        Ok(())
    };
    view! {
        <Show when=move || session.may(Role::Administrator)>
            <button type="button" class="button danger" on:click=move |_| open.set(true)>"Delete the plan"</button>
            <ConfirmDialog open title=Signal::derive(move || format!("Delete {}", name.get())) verb="Delete the plan" run=run>
                <p>"“Fail over site” no longer brings its machines up. Their recovery points stay."</p>
            </ConfirmDialog>
        </Show>
    }
}

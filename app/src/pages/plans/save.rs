//! Saves the draft, or throws it away; deletes the plan.

use super::{draft, editor::Draft};
use crate::{
    api,
    components::{button_action::ButtonAction, confirm_dialog::ConfirmDialog},
    state::Session,
};
use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use model::{Id, access::Role, plan::Plan};

#[component]
pub fn Save(draft: Draft, id: Option<Id>) -> impl IntoView {
    let session = Session::get();
    let faults = Memo::new(move |_| draft::faults(&draft.whole()));
    let refused = Signal::derive(move || {
        let wrong = || faults.with(|f| (!f.is_empty()).then(|| "Mend what is listed first.".to_owned()));
        let same = || (!draft.changed()).then(|| "Nothing has changed.".to_owned());
        session.refusal(Role::Administrator).or_else(same).or_else(wrong)
    });
    let kept = StoredValue::new(id.clone());
    let navigate = StoredValue::new(use_navigate());
    let run = move || async move {
        let spec = draft.whole_untracked();
        let plan: Plan = match kept.get_value() {
            Some(id) => api::put_version(&format!("/plans/{id}"), draft.base.get_untracked(), &spec).await?,
            None => api::post("/plans", &spec).await?,
        };
        let new = kept.with_value(Option::is_none);
        draft.version.set(plan.version);
        draft.saved.set(plan.spec);
        draft.reset();
        if new {
            navigate.with_value(|go| go(&format!("/plans/{}", plan.id), NavigateOptions::default()));
        }
        Ok(())
    };
    view! {
        <section class="plan-save" aria-label="Save">
            <Show when=move || draft.changed() && faults.with(|f| !f.is_empty())>
                <ul class="faults">{move || faults.get().into_iter().map(|(_, text)| view! { <li>{text}</li> }).collect_view()}</ul>
            </Show>
            <div class="row">
                <ButtonAction label="Save the plan" look="primary" refused run=run done="Saved."/>
                <button type="button" class="button" disabled=move || !draft.changed() on:click=move |_| draft.reset()>"Undo all changes"</button>
                {id.map(|id| view! { <Delete id name=Signal::derive(move || draft.saved.with(|s| s.name.clone()))/> })}
            </div>
        </section>
    }
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

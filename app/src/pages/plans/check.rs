//! The readiness check: looks, changes nothing, and says what stands against the plan.

use super::list::readiness;
use crate::{
    api,
    components::{age::Age, button_action::ButtonAction, status::Status},
    dialogs::problems::Problems,
    state::Session,
};
use leptos::prelude::*;
use model::{access::Role, plan::Plan};

#[component]
pub fn Readiness(plan: RwSignal<Plan>) -> impl IntoView {
    let verdict = Memo::new(move |_| plan.with(|p| readiness(&p.problems, p.checked_at.is_some())));
    let session = Session::get();
    let refused = Signal::derive(move || session.refusal(Role::Operator));
    let run = move || {
        let path = format!("/plans/{}/check", plan.with_untracked(|p| p.id.clone()));
        async move {
            plan.try_set(api::post::<_, Plan>(&path, &()).await?);
            Ok(())
        }
    };
    view! {
        <section class="readiness" aria-labelledby="readiness-title">
            <h2 id="readiness-title">"Readiness"</h2>
            <div class="row">
                <span role="status">
                    <Status tone=Signal::derive(move || verdict.with(|v| v.0)) label=Signal::derive(move || verdict.with(|v| v.1.clone()))/>
                </span>
                {move || plan.with(|p| p.checked_at).map(|at| view! { <span class="sub">"checked "<Age at=Some(at)/>" ago"</span> })}
                <ButtonAction label="Check now" refused run=run/>
            </div>
            {move || { let problems = plan.with(|p| p.problems.clone()); view! { <Problems problems/> } }}
        </section>
    }
}

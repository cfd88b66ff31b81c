//! Skips a step. It needs a reason: whoever reads the run later must know why it was left out.

use super::{
    command::give,
    step_actions::{by_role, key},
};
use crate::components::{button_action::ButtonAction, field::Field};
use leptos::{html, prelude::*};
use model::run::{RunCommand, RunDetail, Step};

#[component]
pub fn Skip(step: Memo<Step>, detail: RwSignal<RunDetail>, open: RwSignal<bool>) -> impl IntoView {
    let reason = RwSignal::new(String::new());
    let role = by_role();
    let refused = Signal::derive(move || role.get().or_else(|| reason.with(|r| r.trim().is_empty()).then(|| "Say why first.".into())));
    let focus = NodeRef::<html::Textarea>::new();
    Effect::new(move |_| focus.get().map(|field| field.focus()));
    let name = format!("skip-{}", key(step));
    let skip = move || give(detail, RunCommand::SkipStep { step: key(step), reason: reason.get_untracked() });
    view! {
        <div class="step-form" role="group" aria-label="Skip">
            <Field label="Why is it skipped?" name=name.clone() help="The run goes on as if it had succeeded, and ends with errors.">
                <textarea class="input" id=name node_ref=focus rows="2" bind:value=reason></textarea>
            </Field>
            <div class="row">
                <ButtonAction label="Skip this step" look="danger" refused run=skip/>
                <button type="button" class="button" on:click=move |_| open.set(false)>"Leave it"</button>
            </div>
        </div>
    }
}

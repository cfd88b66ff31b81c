//! The fields of one script or prompt.

use super::{callouts::place_name, draft, editor::Draft};
use crate::components::{
    field::{SelectField, SwitchField, TextField},
    number::whole,
};
use leptos::prelude::*;
use model::{
    limits::CALLOUT_TIMEOUT_SECONDS,
    plan::{Callout, CalloutAction, CalloutError},
};

#[component]
pub fn CalloutRow(n: usize, draft: Draft, places: std::ops::RangeInclusive<u8>) -> impl IntoView {
    let Some(start) = draft.spec.with_untracked(|s| s.callouts.get(n).cloned()) else { return ().into_any() };
    let name = RwSignal::new(start.name.clone());
    let place = RwSignal::new(start.before_priority.to_string());
    let script = matches!(start.action, CalloutAction::Script { .. });
    let goes_on = RwSignal::new(start.on_error == CalloutError::GoOn);
    let places: Vec<(String, String)> = places.map(|p| (p.to_string(), place_name(p))).collect();
    let (action, fields) = action_fields(n, &start.action, draft);
    Effect::new(move |_| {
        let on_error = if goes_on.get() { CalloutError::GoOn } else { CalloutError::Wait };
        let next = Callout { name: name.get(), before_priority: place.with(|p| p.parse().unwrap_or(1)), action: action.get(), on_error };
        if draft.spec.with_untracked(|s| s.callouts.get(n).is_some_and(|c| *c != next)) {
            draft.spec.update(|s| s.callouts[n] = next);
        }
    });
    let remove = move |_| draft.spec.update(|s| drop(s.callouts.remove(n)));
    view! {
        <div class="plan-row" role="group" aria-label=move || name.get()>
            <TextField label="Name" name=format!("callout-{n}-name") value=name error=draft.said(move || Some(format!("callouts[{n}].name")))/>
            <SelectField label="When" name=format!("callout-{n}-place") value=place options=places/>
            {fields}
            {script.then(|| view! {
                <SwitchField label="Go on when it fails" name=format!("callout-{n}-goes-on") value=goes_on help="Otherwise the run waits for somebody."/>
            })}
            <button type="button" class="button small quiet" on:click=remove>"Remove"</button>
        </div>
    }
    .into_any()
}

/// What the fields come to, and the fields.
fn action_fields(n: usize, start: &CalloutAction, draft: Draft) -> (Signal<CalloutAction>, AnyView) {
    let part = if matches!(start, CalloutAction::Prompt { .. }) { "question" } else { "program" };
    let said = draft.said(move || Some(format!("callouts[{n}].action.{part}")));
    let error = Signal::derive(move || {
        let field = format!("callouts.{n}");
        let own = draft::faults(&draft.spec.get()).into_iter().find(|(name, _)| *name == field).map(|(_, text)| text);
        own.or_else(|| said.get())
    });
    match start.clone() {
        CalloutAction::Prompt { question } => {
            let question = RwSignal::new(question);
            let fields = view! { <TextField label="Question" name=format!("callout-{n}-question") value=question error/> };
            (Signal::derive(move || CalloutAction::Prompt { question: question.get() }), fields.into_any())
        }
        CalloutAction::Script { program, args, timeout_seconds } => script_fields(n, draft, program, &args, timeout_seconds, error),
    }
}

fn script_fields(
    n: usize,
    draft: Draft,
    program: String,
    args: &[String],
    timeout: u32,
    error: Signal<Option<String>>,
) -> (Signal<CalloutAction>, AnyView) {
    let (program, args, seconds) = (RwSignal::new(program), RwSignal::new(args.join(" ")), RwSignal::new(timeout.to_string()));
    let given = Memo::new(move |_| seconds.with(|s| whole(s, &CALLOUT_TIMEOUT_SECONDS, "seconds")));
    let fault = Signal::derive(move || given.get().err());
    draft.watch(format!("callout-{n}-timeout"), format!("Script {}, time", n + 1), fault);
    // What is typed and does not fit stops the save; the draft keeps what was there until then.
    let action = Signal::derive(move || CalloutAction::Script {
        program: program.get().trim().into(),
        args: args.with(|a| a.split_whitespace().map(str::to_owned).collect()),
        timeout_seconds: given.get().unwrap_or(timeout),
    });
    let fields = view! {
        <TextField label="Program" name=format!("callout-{n}-program") value=program error/>
        <TextField label="Arguments" name=format!("callout-{n}-args") value=args help="Separated by blanks; no shell reads them."/>
        <TextField label="Give it, seconds" name=format!("callout-{n}-timeout") value=seconds kind="number" error=fault/>
    };
    (action, fields.into_any())
}

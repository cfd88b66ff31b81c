//! Scripts and prompts between the priority groups.

use super::{callout_row::CalloutRow, draft, editor::Draft};
use leptos::prelude::*;
use model::plan::{Callout, CalloutAction, CalloutError};

/// Before each priority group, and 6: after all.
const PLACES: std::ops::RangeInclusive<u8> = 1..=6;

#[component]
pub fn Callouts(draft: Draft) -> impl IntoView {
    let prompt = move |_| push(draft, "Prompt", CalloutAction::Prompt { question: String::new() });
    let script = move |_| push(draft, "Script", CalloutAction::Script { program: String::new(), args: vec![], timeout_seconds: 120 });
    view! {
        <section aria-labelledby="callouts-title">
            <h2 id="callouts-title">"Scripts and prompts"</h2>
            <p class="sub">"A script is a program of the node's callout folder; at a prompt the run waits for a person."</p>
            {PLACES.map(|place| view! { <Place place draft/> }).collect_view()}
            <div class="row">
                <button type="button" class="button small" on:click=prompt>"Add a prompt"</button>
                <button type="button" class="button small" on:click=script>"Add a script"</button>
            </div>
        </section>
    }
}

fn push(draft: Draft, name: &str, action: CalloutAction) {
    draft.spec.update(|s| s.callouts.push(Callout { name: name.into(), before_priority: 1, action, on_error: CalloutError::Wait }));
}

pub fn place_name(place: u8) -> String {
    if place > 5 { "After all".into() } else { format!("Before priority {place}") }
}

#[component]
fn Place(place: u8, draft: Draft) -> impl IntoView {
    let here = Memo::new(move |_| {
        draft.spec.with(|s| (s.callouts.len(), draft::callouts_before(s, place).into_iter().map(|(n, _)| n).collect::<Vec<_>>()))
    });
    view! {
        <Show when=move || here.with(|h| !h.1.is_empty())>
            <h3 class="place">{place_name(place)}</h3>
            {move || here.get().1.into_iter().map(|n| view! { <CalloutRow n draft places=PLACES/> }).collect_view()}
        </Show>
    }
}

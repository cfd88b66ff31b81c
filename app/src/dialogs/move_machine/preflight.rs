//! What the node found before anything starts: every problem with its remedy, the mode, the bytes.

use super::{fields::Parsed, form::Finding};
use crate::{components::error_note::ErrorNote, dialogs::problems::Problems, format};
use leptos::prelude::*;
use model::run::{MoveMode, MovePreflight};

#[component]
pub fn Preflight(request: Parsed, finding: LocalResource<Option<Finding>>) -> impl IntoView {
    let answer = move || finding.get().flatten();
    let old = move || request.get().ok() != answer().map(|(asked, _)| asked);
    view! {
        <section class="preflight" aria-labelledby="preflight-title" aria-busy=move || old().to_string()>
            <h3 id="preflight-title">"Before it starts"</h3>
            <div role="status">
                {move || match (request.get(), old(), answer()) {
                    (Err(faults), ..) => view! {
                        <ul class="faults">{faults.into_iter().map(|f| view! { <li>{f.message}</li> }).collect_view()}</ul>
                    }.into_any(),
                    (_, true, _) | (_, _, None) => view! { <p class="loading">"Checking …"</p> }.into_any(),
                    (_, _, Some((_, Err(error)))) => view! { <ErrorNote error/> }.into_any(),
                    (_, _, Some((asked, Ok(found)))) => view! { <Found found from_point=asked.point_id.is_some()/> }.into_any(),
                }}
            </div>
            <button type="button" class="button quiet small" on:click=move |_| finding.refetch()>"Check again"</button>
        </section>
    }
}

#[component]
fn Found(found: MovePreflight, from_point: bool) -> impl IntoView {
    let blocked = found.problems.iter().filter(|p| p.blocks()).count();
    let verdict = match blocked {
        0 => "Nothing stands against it.".to_string(),
        1 => "One problem stops it.".to_string(),
        n => format!("{n} problems stop it."),
    };
    let copied = |how: &str| format!("{how}; about {} to send", format::bytes(found.bytes));
    let how = match found.mode {
        _ if from_point => "from the recovery point: stopped here, made there".to_owned(),
        MoveMode::Live => copied("live, with its memory"),
        MoveMode::Cold => copied("cold: stopped while it is copied"),
        MoveMode::Warm | MoveMode::Auto => copied("warm: it runs while it is copied, and stops briefly"),
    };
    let convert = if found.convert { ", and is converted by virt-v2v" } else { "" };
    view! {
        <p><b>{verdict}</b>" "{found.machine}" goes to "{found.target}", "{how}{convert}"."</p>
        <Problems problems=found.problems/>
        {(!found.service_addresses.is_empty()).then(|| view! { <p>"Addresses that move: "{found.service_addresses.join(", ")}</p> })}
    }
}

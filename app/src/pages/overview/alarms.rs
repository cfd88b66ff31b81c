//! What somebody should know of, worst first.

use crate::components::{
    age::Age,
    status::{self, Shown},
};
use leptos::prelude::*;
use model::alarm::Alarm;

/// More than this many are counted, not listed: the page must stay readable in a disaster.
const SHOWN: usize = 8;

pub fn list(alarms: Vec<Alarm>) -> impl IntoView {
    let more = alarms.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| view! { <li><span></span><span class="alarm-words">{format!("and {more} more")}</span></li> });
    (!alarms.is_empty()).then(|| {
        view! {
            <ul class="alarms" aria-label="Alarms" role="list">
                {alarms.into_iter().take(SHOWN).map(line).collect_view()}
                {more}
            </ul>
        }
    })
}

fn line(alarm: Alarm) -> impl IntoView {
    let subject = match alarm.link {
        Some(link) => view! { <a href=link>{alarm.subject}</a> }.into_any(),
        None => view! { <b>{alarm.subject}</b> }.into_any(),
    };
    view! {
        <li data-tone=alarm.severity.tone().as_str()>
            {status::of(alarm.severity)}
            <span class="alarm-words">{subject} " " {alarm.message}</span>
            <span class="soft"><Age at=Some(alarm.since)/></span>
        </li>
    }
}

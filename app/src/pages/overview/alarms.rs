//! What somebody should know of, worst first. Of the clock of the node only a person can say that it is right.

use crate::{
    api,
    components::{
        age::Age,
        confirm_dialog::ConfirmDialog,
        status::{self, Shown},
    },
    state::Session,
};
use leptos::prelude::*;
use model::{
    Id, Page,
    access::Role,
    alarm::{Alarm, CLOCK_UNSETTLED},
    overview::Overview,
};

/// More than this many are counted, not listed: the page must stay readable in a disaster.
const SHOWN: usize = 8;

/// Outlives the list, which is drawn anew with each change: a question that was asked stays.
#[component]
pub fn Alarms(overview: RwSignal<Overview>) -> impl IntoView {
    let (asked, about) = (RwSignal::new(false), RwSignal::new(Id::new()));
    let ask = Callback::new(move |id: Id| {
        about.set(id);
        asked.set(true);
    });
    let acknowledge = move || async move {
        let path = format!("/alarms/{}/acknowledge", about.get_untracked());
        let left = api::post::<_, Page<Alarm>>(&path, &()).await?;
        overview.try_update(|o| o.alarms = left.items);
        Ok(())
    };
    view! {
        {move || list(overview.with(|o| o.alarms.clone()), ask)}
        <ConfirmDialog open=asked title="Is the clock of this node right?" verb="It is right" run=acknowledge>
            <p>"Compare it with another clock first. From then on recovery points and old copies are deleted again when they are too old by it."</p>
        </ConfirmDialog>
    }
}

fn list(alarms: Vec<Alarm>, ask: Callback<Id>) -> impl IntoView {
    let more = alarms.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| view! { <li><span></span><span class="alarm-words">{format!("and {more} more")}</span></li> });
    (!alarms.is_empty()).then(|| {
        view! {
            <ul class="alarms" aria-label="Alarms" role="list">
                {alarms.into_iter().take(SHOWN).map(|alarm| line(alarm, ask)).collect_view()}
                {more}
            </ul>
        }
    })
}

fn line(alarm: Alarm, ask: Callback<Id>) -> impl IntoView {
    let tone = alarm.severity.tone().as_str();
    let answer = (alarm.kind == CLOCK_UNSETTLED).then(|| acknowledge(alarm.id, ask));
    let subject = match alarm.link {
        Some(link) => view! { <a href=link>{alarm.subject}</a> }.into_any(),
        None => view! { <b>{alarm.subject}</b> }.into_any(),
    };
    view! {
        <li data-tone=tone>
            {status::of(alarm.severity)}
            <span class="alarm-words">{subject} " " {alarm.message} {answer}</span>
            <span class="soft"><Age at=Some(alarm.since)/></span>
        </li>
    }
}

fn acknowledge(id: Id, ask: Callback<Id>) -> impl IntoView {
    let session = Session::get();
    let refused = move || session.refusal(Role::Operator);
    let press = move |_| {
        if refused().is_none() {
            ask.run(id.clone());
        }
    };
    view! {
        " "
        <button type="button" class="button small" aria-disabled=move || refused().is_some().to_string() title=refused on:click=press>
            "The clock is right …"
        </button>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Severity;

    fn shown(kind: &str) -> String {
        let alarm = Alarm {
            id: "a".into(),
            kind: kind.into(),
            severity: Severity::Warning,
            subject: "this console".into(),
            site: None,
            message: "Look.".into(),
            since: 0,
            link: None,
        };
        Owner::new().with(|| list(vec![alarm], Callback::new(|_| {})).to_html())
    }

    #[test]
    fn only_the_alarm_that_a_person_can_end_has_a_button() {
        assert!(shown(CLOCK_UNSETTLED).contains("The clock is right"));
        assert!(!shown("cloud_unreachable").contains("<button"));
    }
}

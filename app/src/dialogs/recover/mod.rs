//! Recover elsewhere: what is lost, where it can come up, what must be typed, and the one button.

mod confirm;

use crate::{
    api,
    components::{age::Age, dialog::Dialog, error_note::ErrorNote, places, status},
    dialogs::problems::Problems,
    live,
};
use leptos::prelude::*;
use model::{Id, live::Topic, placement::Place, recovery::Recovery};

/// Opens while `open` is true and sets it to false when it closes.
#[component]
pub fn RecoverDialog(machine: Id, open: RwSignal<bool>) -> impl IntoView {
    let machine = StoredValue::new(machine);
    view! {
        <Dialog open title="Recover elsewhere" look="wide red">
            <Body machine=machine.get_value() open/>
        </Dialog>
    }
}

/// What is shown follows the world while somebody reads it; what was typed stays.
#[component]
fn Body(machine: Id, open: RwSignal<bool>) -> impl IntoView {
    let path = StoredValue::new(format!("/machines/{machine}/recover"));
    // The cloud that somebody chose, where several keep recovery points of it.
    let target = RwSignal::new(None::<Id>);
    let newest = LocalResource::new(move || {
        let query = target.get().map_or(String::new(), |id| format!("?target_cloud_id={id}"));
        async move { api::get::<Recovery>(&(path.get_value() + &query)).await }
    });
    let found = RwSignal::new(None::<Recovery>);
    let error = RwSignal::new(None);
    // Exactly the newest point, instead of what was written last.
    let exactly = RwSignal::new(false);
    Effect::new(move |_| match newest.get() {
        Some(Ok(new)) => {
            found.set(Some(new));
            error.set(None);
        }
        Some(Err(e)) => error.set(Some(e)),
        None => {}
    });
    live::on_throttled(&[Topic::Cloud, Topic::Machine, Topic::Machines, Topic::Member], move || newest.refetch());
    let waiting = move || found.with(Option::is_none) && error.with(Option::is_none);
    view! {
        <div class="dialog-body">
            {move || error.get().map(|error| view! { <ErrorNote error retry=Callback::new(move |()| newest.refetch())/> })}
            <Show when=waiting><p class="loading" role="status">"Looking at the machine, its recovery points and the clouds …"</p></Show>
            {move || found.get().map(|r| told(r, target))}
            <Show when=move || found.with(|f| f.as_ref().is_some_and(|f| f.source_answers))><From exactly/></Show>
        </div>
        <Show when=move || found.with(Option::is_some)>
            <confirm::Confirm path=path.get_value() found exactly open/>
        </Show>
    }
}

fn told(r: Recovery, target: RwSignal<Option<Id>>) -> impl IntoView {
    let several = r.rows.iter().filter(|p| p.point_at.is_some()).count() > 1;
    let chosen = r.point.cloud_id;
    let lost = if r.source_answers {
        "Its cloud answers: it is stopped there first, read back, and locked."
    } else {
        "Its cloud does not answer: what was written after the recovery point stays there, and that it is off can only be stated."
    };
    view! {
        <p class="lead"><b>{r.machine}</b>" at "{r.cloud}" ("{r.site}"): "{r.failed}</p>
        <p>"Its newest recovery point is "<strong><Age at=Some(r.point.taken_at)/></strong>" old. "{lost}</p>
        <Problems problems=r.problems/>
        <h3>"Where it can come up"</h3>
        {r.best.map(|best| view! { <p class="note">{best}</p> })}
        <ul class="places">{r.rows.into_iter().map(|p| {
            let choice = (several && p.point_at.is_some()).then_some((p.at.cloud_id == chosen, target));
            row(p, choice)
        }).collect_view()}</ul>
    }
}

/// `choice`: whether it is the chosen one, and where a choice goes.
fn row(p: Place, choice: Option<(bool, RwSignal<Option<Id>>)>) -> impl IntoView {
    let simulated = if p.at.simulated { " (SIMULATED)" } else { "" };
    let month = p.cost.month.money.as_ref().map(|m| format!(" {} a month.", m.short()));
    let name = format!("{} at {}{simulated}", p.at.cloud, p.at.site);
    let (id, label) = (p.at.cloud_id.clone(), format!("Recover it at {name}"));
    let radio = choice.map(|(on, target)| {
        view! { <input type="radio" name="recover-at" aria-label=label prop:checked=on on:change=move |_| target.set(Some(id.clone()))/>" " }
    });
    let age = p.point_at.filter(|_| choice.is_some()).map(|at| view! { " Its recovery point there is "<Age at=Some(at)/>" old." });
    let seen = places::verdict(p.verdict, &p.at).into_any();
    view! {
        <li class="can-run">
            {radio}<b>{name}</b>" "{if p.at.answered { status::of(p.verdict).into_any() } else { seen }}
            {month}{age}
            <Problems problems=p.findings/>
        </li>
    }
}

#[component]
fn From(exactly: RwSignal<bool>) -> impl IntoView {
    let radio = move |on: bool, label: &'static str, about: &'static str| {
        view! {
            <label class="choice">
                <input type="radio" name="recover-from" prop:checked=move || exactly.get() == on on:change=move |_| exactly.set(on)/>
                <span><b>{label}</b>" "{about}</span>
            </label>
        }
    };
    view! {
        <fieldset class="choices">
            <legend>"From what"</legend>
            {radio(false, "With what it wrote last.", "Copied from its old disks first. If they cannot be read, the run asks whether to go on without.")}
            {radio(true, "From the newest recovery point as it is.", "Quicker; what was written after it is given up.")}
        </fieldset>
    }
}

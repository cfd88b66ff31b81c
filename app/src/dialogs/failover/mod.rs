//! Fail over site: what one press would do, before it is pressed.

mod confirm;
mod loss;
mod machines;
mod older;
mod radius;
mod targets;

use crate::{
    api,
    components::{dialog::Dialog, error_note::ErrorNote},
    live,
};
use leptos::prelude::*;
use model::{live::Topic, run::BlastRadius};

/// Opens while `open` is true and sets it to false when it closes.
#[component]
pub fn FailoverDialog(site: String, open: RwSignal<bool>) -> impl IntoView {
    let title = format!("Fail over {site}");
    let site = StoredValue::new(site);
    view! {
        <Dialog open title look="wide red">
            <Body site=site.get_value() open/>
        </Dialog>
    }
}

/// What is shown follows the world while somebody reads it; what was typed stays.
#[component]
fn Body(site: String, open: RwSignal<bool>) -> impl IntoView {
    let path = StoredValue::new(format!("/sites/{site}/failover"));
    let wanted = RwSignal::new(targets::Wanted::default());
    let newest = LocalResource::new(move || {
        let path = path.get_value() + &wanted.with(targets::Wanted::query);
        async move { api::get::<BlastRadius>(&path).await }
    });
    let radius = RwSignal::new(None::<BlastRadius>);
    let error = RwSignal::new(None);
    let choices: loss::Choices = RwSignal::new(loss::Chosen::new());
    Effect::new(move |_| match newest.get() {
        Some(Ok(found)) => {
            radius.set(Some(found));
            error.set(None);
        }
        Some(Err(e)) => error.set(Some(e)),
        None => {}
    });
    live::on_throttled(&[Topic::Cloud, Topic::Machine, Topic::Machines, Topic::Member, Topic::Plan], move || newest.refetch());
    let waiting = move || radius.with(Option::is_none) && error.with(Option::is_none);
    view! {
        <div class="dialog-body">
            {move || error.get().map(|error| view! { <ErrorNote error retry=Callback::new(move |()| newest.refetch())/> })}
            <Show when=waiting><p class="loading" role="status">"Looking at what would be hit …"</p></Show>
            <Show when=move || radius.with(Option::is_some)>
                <radius::Radius radius wanted choices/>
                <older::OlderPoints radius choices/>
            </Show>
        </div>
        <Show when=move || radius.with(Option::is_some)>
            <confirm::Confirm site=site.clone() radius choices open/>
        </Show>
    }
}

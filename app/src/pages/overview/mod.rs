//! Everything at a glance: what is where, what is in danger, and one clear button for each site.

mod alarms;
mod lag;
mod runs_now;
mod site;
mod totals;

use crate::{
    components::{
        asked::asked,
        empty_state::EmptyState,
        load::{Fresh, load},
        page_header::PageHeader,
    },
    dialogs::failover::FailoverDialog,
    state::Session,
};
use leptos::prelude::*;
use model::{access::Role, live::Topic, overview::Overview};

const TOPICS: &[Topic] =
    &[Topic::Machine, Topic::Machines, Topic::Cloud, Topic::Group, Topic::Member, Topic::Plan, Topic::Run, Topic::Step, Topic::Alarm];

#[component]
pub fn OverviewPage() -> impl IntoView {
    view! {
        <PageHeader title="Overview">
            <a class="button" href="/clouds/add">"Add cloud"</a>
        </PageHeader>
        {load(|| "/overview".to_owned(), TOPICS, draw)}
    }
}

fn draw(fresh: Fresh<Overview>) -> impl IntoView {
    let overview = fresh.value;
    let failing = RwSignal::new(None::<String>);
    let open = RwSignal::new(false);
    let fail_over = Callback::new(move |site: String| {
        failing.set(Some(site));
        open.set(true);
    });
    // From the palette: the dialog, which asks before anything happens.
    asked("failover", open.into(), move |site| {
        fail_over.run(site);
        true
    });
    let sites = move || {
        let (at, sites) = overview.with(|o| (o.at, o.sites.clone()));
        sites.into_iter().map(|s| site::card(s, at, fail_over)).collect_view()
    };
    view! {
        {move || overview.with(|o| o.own_network_suspect).then(own_network)}
        <alarms::Alarms overview/>
        {move || runs_now::list(overview.with(|o| o.runs.clone()))}
        <Show when=move || overview.with(|o| !o.sites.is_empty()) fallback=nothing_yet>
            <section class="sites" aria-label="Sites">{sites}</section>
            <section class="card" aria-label="All sites together">
                <h2>"All sites"</h2>
                {move || overview.with(|o| totals::figures(&o.totals, o.at))}</section>
        </Show>
        {move || failing.get().map(|site| view! { <FailoverDialog site=site open=open/> })}
    }
}

fn own_network() -> impl IntoView {
    view! {
        <p class="banner" data-tone="warn" role="alert">
            <strong>"Is it our own network?"</strong>
            <span>"All clouds stopped answering at once. Check the network of this node before you believe that all sites are down."</span>
        </p>
    }
}

fn nothing_yet() -> impl IntoView {
    let session = Session::get();
    view! {
        <EmptyState title="No cloud is connected yet">
            <p>"Connect the first one: its machines appear here within seconds."</p>
            <Show when=move || session.may(Role::Administrator)>
                <a class="button primary" href="/clouds/add">"Add cloud"</a>
            </Show>
        </EmptyState>
    }
}

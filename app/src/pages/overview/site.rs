//! One site: a strong block for its state, its figures, its clouds, and Fail over site.

use super::totals;
use crate::{
    components::{age::Age, simulated_badge::SimulatedBadge, status},
    order::natural,
    state::{Session, escape},
};
use leptos::prelude::*;
use model::{
    Millis,
    access::Role,
    cloud::CloudStatus,
    overview::{SiteCloud, SiteStatus, SiteView},
};

pub fn card(site: SiteView, at: Millis, fail_over: Callback<String>) -> impl IntoView {
    let href = format!("/machines?q=site:{}", escape(&site.name));
    let mut clouds = site.clouds;
    clouds.sort_by(|a, b| natural(&a.name, &b.name));
    view! {
        <article class="site" data-status=key(site.status)>
            <header class="site-head">
                <h2><a href=href>{site.name.clone()}</a></h2>
                {status::of(site.status)}
                <p class="site-since soft">"for " <Age at=Some(site.since)/> ", seen " <Age at=site.observed_at/> " ago"</p>
            </header>
            <div class="site-body">
                {totals::figures(&site.totals, at)}
                <ul class="site-clouds">{clouds.into_iter().map(cloud).collect_view()}</ul>
            </div>
            {foot(site.name, site.plans, fail_over)}
        </article>
    }
}

fn key(status: SiteStatus) -> &'static str {
    match status {
        SiteStatus::Ok => "ok",
        SiteStatus::Degraded => "degraded",
        SiteStatus::Down => "down",
        SiteStatus::Unknown => "unknown",
    }
}

fn cloud(cloud: SiteCloud) -> impl IntoView {
    let words = cloud.message.filter(|_| cloud.status != CloudStatus::Ok).map(|m| view! { <span class="cloud-words">{m}</span> });
    view! {
        <li>
            <span class="line-up"><a href=format!("/clouds/{}", cloud.id)>{cloud.name}</a> {cloud.simulated.then(|| view! { <SimulatedBadge/> })}</span>
            {status::of(cloud.status)}
            <span class="soft"><Age at=cloud.observed_at/></span>
            {words}
        </li>
    }
}

fn foot(site: String, plans: u32, fail_over: Callback<String>) -> impl IntoView {
    let session = Session::get();
    let refused = move || if plans == 0 { Some("No plan protects this site.".to_owned()) } else { session.refusal(Role::Operator) };
    let about = match plans {
        0 => "No plan protects this site.".to_owned(),
        1 => "1 plan would run.".to_owned(),
        n => format!("{n} plans would run."),
    };
    let press = move |_| {
        if refused().is_none() {
            fail_over.run(site.clone());
        }
    };
    view! {
        <footer class="site-foot">
            <span class="soft">{about}</span>
            <button type="button" class="button danger big" aria-disabled=move || refused().is_some().to_string() title=refused on:click=press>
                "Fail over site …"
            </button>
        </footer>
    }
}

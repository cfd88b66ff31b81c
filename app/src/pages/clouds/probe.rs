//! What a probe found: who we are there, which version, and the certificate, to be accepted by a person.

use crate::{
    components::status::{Status, Tone},
    dialogs::problems::Problems,
};
use leptos::prelude::*;
use model::cloud::ProbeReport;

/// `accepted` is the fingerprint that the administrator agreed to.
pub fn report(report: ProbeReport, accepted: RwSignal<Option<String>>) -> impl IntoView {
    let (tone, word) = if report.ok { (Tone::Good, "It answers and can be used") } else { (Tone::Bad, "It cannot be used like this") };
    let fact = |name: &'static str, value: Option<String>| value.map(|v| view! { <div><dt>{name}</dt><dd>{v}</dd></div> });
    view! {
        <section class="card probe" data-tone=tone.as_str() aria-label="What the probe found" role="status">
            <Status tone=tone label=word/>
            <dl class="facts">
                {fact("Connected as", report.identity)}
                {fact("Host", report.host)}
                {fact("Version", report.version)}
                {fact("Machines", report.machines.map(|n| n.to_string()))}
            </dl>
            {report.fingerprint.map(|f| certificate(f, accepted))}
            <Problems problems=report.problems/>
        </section>
    }
}

fn certificate(print: String, accepted: RwSignal<Option<String>>) -> impl IntoView {
    let (own, shown) = (print.clone(), print.clone());
    let on = move || accepted.with(|a| a.as_ref() == Some(&own));
    let toggle = move |_| accepted.update(|a| *a = if a.is_some() { None } else { Some(print.clone()) });
    view! {
        <div class="field">
            <span class="field-label">"Certificate of the server (SHA-256)"</span>
            <span class="fingerprint">{shown}</span>
            <label class="switch">
                <input type="checkbox" prop:checked=on on:change=toggle/>
                "I compared it: pin it, and refuse any other from now on"
            </label>
        </div>
    }
}

//! What a probe found: who we are there, which version, and the certificate, to be accepted by a person.

use crate::{
    components::status::{Status, Tone},
    dialogs::problems::Problems,
};
use leptos::prelude::*;
use model::cloud::ProbeReport;

/// `accepted` is the fingerprint that the administrator agreed to; also that of a server that was refused for it.
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
    let toggle = move |_| accepted.update(|a| *a = toggled(a.take(), &print));
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

/// One that was accepted before and is shown no more does not stand in the way of the new one.
fn toggled(accepted: Option<String>, shown: &str) -> Option<String> {
    if accepted.as_deref() == Some(shown) { None } else { Some(shown.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::toggled;

    #[test]
    fn one_click_accepts_a_new_certificate_in_place_of_the_old_one() {
        let once = toggled(Some("old".into()), "new");
        assert_eq!(once.as_deref(), Some("new"));
        assert_eq!(toggled(once, "new"), None);
        assert_eq!(toggled(None, "new").as_deref(), Some("new"));
    }
}

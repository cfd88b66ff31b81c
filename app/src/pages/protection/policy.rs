//! What was agreed for a group, in words.

use crate::format;
use leptos::prelude::*;
use model::{Mapping, protection::Group};

#[component]
pub fn PolicyFacts(group: RwSignal<Group>) -> impl IntoView {
    let rpo = move || group.with(|g| format::seconds(g.policy.rpo_seconds));
    let keep = move || group.with(|g| format!("at most {}, for {} h; the newest always", g.policy.keep_points, g.policy.keep_hours));
    let bandwidth = move || group.with(|g| g.policy.bandwidth.map_or_else(|| "no limit".into(), format::rate));
    let networks = move || group.with(|g| in_words(&g.networks));
    let storage = move || group.with(|g| in_words(&g.storage));
    view! {
        <section class="policy" aria-labelledby="policy-title">
            <h2 id="policy-title">"Policy"</h2>
            <dl class="facts">
                <div><dt>"Objective (RPO)"</dt><dd>{rpo}</dd></div>
                <div><dt>"Recovery points kept"</dt><dd>{keep}</dd></div>
                <div><dt>"Bandwidth"</dt><dd>{bandwidth}</dd></div>
                <div><dt>"Networks"</dt><dd>{networks}</dd></div>
                <div><dt>"Storage"</dt><dd>{storage}</dd></div>
            </dl>
        </section>
    }
}

fn in_words(mappings: &[Mapping]) -> String {
    if mappings.is_empty() {
        return "automatic".into();
    }
    mappings.iter().map(|m| format!("{} → {}", m.from, m.to)).collect::<Vec<_>>().join(", ")
}

//! Figures of a site, or of all together.

use super::lag;
use crate::format;
use leptos::prelude::*;
use model::{Millis, overview::Totals};

pub fn figures(totals: &Totals, at: Millis) -> impl IntoView + use<> {
    // Superseded copies are meant to be down.
    let down = totals.machines.saturating_sub(totals.running + totals.unseen + totals.superseded);
    let unseen = (totals.unseen > 0)
        .then(|| view! { <div data-tone="bad"><dt>"Not seen now"</dt><dd>{format::count(totals.unseen.into())}</dd></div> });
    let breach = (totals.in_breach > 0)
        .then(|| view! { <div data-tone="bad"><dt>"In RPO breach"</dt><dd>{format::count(totals.in_breach.into())}</dd></div> });
    let superseded =
        (totals.superseded > 0).then(|| view! { <div><dt>"Superseded"</dt><dd>{format::count(totals.superseded.into())}</dd></div> });
    view! {
        <dl class="figures">
            <div><dt>"Machines up"</dt><dd>{format::count(totals.running.into())}</dd></div>
            {unseen}
            <div><dt>"Down"</dt><dd>{format::count(down.into())}</dd></div>
            {superseded}
            <div><dt>"Protected"</dt><dd>{format::count(totals.protected.into())}</dd></div>
            {breach}
            {lag::figure(totals, at)}
            <div><dt>"vCPUs"</dt><dd>{format::count(totals.vcpus.into())}</dd></div>
            <div><dt>"Memory"</dt><dd>{format::mebibytes(totals.memory_mib)}</dd></div>
        </dl>
    }
}

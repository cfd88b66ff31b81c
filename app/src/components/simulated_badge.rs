//! What is not real must say so wherever it is shown.

use leptos::prelude::*;

#[component]
pub fn SimulatedBadge() -> impl IntoView {
    view! { <span class="simulated" title="Comes from a simulated cloud: nothing real stands behind it.">"SIMULATED"</span> }
}

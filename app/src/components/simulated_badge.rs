//! What is not real must say so wherever it is shown.

use crate::state::Simulated;
use leptos::prelude::*;

#[component]
pub fn SimulatedBadge() -> impl IntoView {
    view! { <span class="simulated" title="Comes from a simulated cloud: nothing real stands behind it.">"SIMULATED"</span> }
}

/// For a whole screen: there while any cloud is simulated.
#[component]
pub fn AnySimulated() -> impl IntoView {
    let any = Simulated::get();
    view! { <Show when=move || any.get()><SimulatedBadge/></Show> }
}

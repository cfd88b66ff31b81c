//! For every address that no page has.

use crate::components::{page_header::PageHeader, simulated_badge::AnySimulated};
use leptos::prelude::*;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! {
        <main id="main" class="page">
            <PageHeader title="Nothing here"><AnySimulated/></PageHeader>
            <p>"No page has this address. " <a href="/">"Go to the overview"</a>"."</p>
        </main>
    }
}

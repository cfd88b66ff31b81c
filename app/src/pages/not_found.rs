//! For every address that no page has.

use crate::components::page_header::PageHeader;
use leptos::prelude::*;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! {
        <main id="main" class="page">
            <PageHeader title="Nothing here"/>
            <p>"No page has this address. " <a href="/">"Go to the overview"</a>"."</p>
        </main>
    }
}

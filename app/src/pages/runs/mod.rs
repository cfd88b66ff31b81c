//! Runs.

use crate::components::page_header::PageHeader;
use leptos::prelude::*;

#[component]
pub fn RunsPage() -> impl IntoView {
    view! { <PageHeader title="Runs"/> }
}

#[component]
pub fn RunPage() -> impl IntoView {
    view! { <PageHeader title="Run"/> }
}

//! Protection groups.

use crate::components::page_header::PageHeader;
use leptos::prelude::*;

#[component]
pub fn ProtectionPage() -> impl IntoView {
    view! { <PageHeader title="Protection"/> }
}

#[component]
pub fn GroupPage() -> impl IntoView {
    view! { <PageHeader title="Protection group"/> }
}

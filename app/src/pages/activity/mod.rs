//! The audit trail.

use crate::components::page_header::PageHeader;
use leptos::prelude::*;

#[component]
pub fn ActivityPage() -> impl IntoView {
    view! { <PageHeader title="Activity"/> }
}

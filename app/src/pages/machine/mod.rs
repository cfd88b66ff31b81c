//! One machine.

use crate::components::page_header::PageHeader;
use leptos::prelude::*;

#[component]
pub fn MachinePage() -> impl IntoView {
    view! { <PageHeader title="Machine"/> }
}

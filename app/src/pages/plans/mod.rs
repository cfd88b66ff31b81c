//! Recovery plans.

use crate::components::page_header::PageHeader;
use leptos::prelude::*;

#[component]
pub fn PlansPage() -> impl IntoView {
    view! { <PageHeader title="Plans"/> }
}

#[component]
pub fn PlanPage() -> impl IntoView {
    view! { <PageHeader title="Plan"/> }
}

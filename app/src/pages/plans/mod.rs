//! Recovery plans.

pub mod draft;
pub mod health;
pub mod health_fields;

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

//! Clouds.

use crate::components::page_header::PageHeader;
use leptos::prelude::*;

#[component]
pub fn CloudsPage() -> impl IntoView {
    view! { <PageHeader title="Clouds"/> }
}

#[component]
pub fn AddCloudPage() -> impl IntoView {
    view! { <PageHeader title="Add cloud"/> }
}

#[component]
pub fn CloudPage() -> impl IntoView {
    view! { <PageHeader title="Cloud"/> }
}

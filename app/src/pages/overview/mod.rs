//! Overview.

use crate::components::page_header::PageHeader;
use leptos::prelude::*;

#[component]
pub fn OverviewPage() -> impl IntoView {
    view! { <PageHeader title="Overview"/> }
}

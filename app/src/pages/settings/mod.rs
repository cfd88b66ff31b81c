//! Settings.

use crate::components::page_header::PageHeader;
use leptos::prelude::*;

#[component]
pub fn SettingsPage() -> impl IntoView {
    view! { <PageHeader title="Settings"/> }
}

//! Machines.

use crate::components::page_header::PageHeader;
use leptos::prelude::*;

#[component]
pub fn MachinesPage() -> impl IntoView {
    view! { <PageHeader title="Machines"/> }
}

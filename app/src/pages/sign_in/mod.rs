//! Sign in.

use crate::components::page_header::PageHeader;
use leptos::prelude::*;

#[component]
pub fn SignInPage() -> impl IntoView {
    view! { <PageHeader title="Sign in"/> }
}

//! Users, tokens, and how the console looks.

mod new_token;
mod new_user;
mod tokens;
mod users;

use crate::{components::page_header::PageHeader, frame::ThemeChoice};
use leptos::prelude::*;

#[component]
pub fn SettingsPage() -> impl IntoView {
    view! {
        <PageHeader title="Settings"/>
        <section class="card" aria-labelledby="scheme">
            <h2 id="scheme">"Colour scheme"</h2>
            <div class="line-up"><ThemeChoice/></div>
        </section>
        <users::Users/>
        <tokens::Tokens/>
    }
}

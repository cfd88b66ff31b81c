//! An error beside what is still shown; what was read before stays on screen.

use leptos::prelude::*;
use model::error::ApiError;

#[component]
pub fn ErrorNote(error: ApiError, #[prop(optional)] retry: Option<Callback<()>>) -> impl IntoView {
    let fields = error.fields.clone().into_iter().map(|f| view! { <li><b>{f.field}</b> " " {f.message}</li> }).collect_view();
    let quote = (!error.operation_id.is_empty()).then(|| format!("Operation {}", error.operation_id));
    view! {
        <div class="error-note" role="alert">
            <p>{error.message}</p>
            <ul>{fields}</ul>
            {quote.map(|q| view! { <p class="error-id">{q}</p> })}
            {retry.map(|r| view! { <button type="button" class="button small" on:click=move |_| r.run(())>"Try again"</button> })}
        </div>
    }
}

//! The search: one line of text, kept in the address. A wrong one is shown with the place that is wrong.

use super::query::Query;
use leptos::{ev, html, prelude::*};
use leptos_router::hooks::use_navigate;
use model::error::ApiError;

const EXAMPLES: [&str; 4] = ["state:running", "state:stopped", "cpu>=4", "mem>8G"];

/// A plain GET form: it works before the browser's half arrives.
#[component]
pub fn SearchBox(query: Memo<Query>) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let navigate = use_navigate();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if let Some(input) = input.get_untracked() {
            navigate(&query.get_untracked().searching(&input.value()).href(), Default::default());
        }
    };
    let examples = EXAMPLES.map(|words| {
        let href = move || {
            let query = query.get();
            query.searching(&format!("{} {words}", query.q)).href()
        };
        view! { <a class="button quiet small code" href=href>{words}</a> }
    });
    view! {
        <form class="search" role="search" method="get" action="/machines" on:submit=submit>
            <input
                class="input"
                node_ref=input
                type="search"
                name="q"
                aria-label="Search machines"
                placeholder="site:berlin state:running tag:prod cpu>=4 mem>8G name:web*"
                autocomplete="off"
                spellcheck="false"
                prop:value=move || query.get().q
                value=query.get_untracked().q
            />
            <button class="button" type="submit">"Search"</button>
            <span class="chips">{examples.collect_view()}</span>
        </form>
    }
}

/// Where in the text, when it was the search that was wrong.
pub fn span(error: &ApiError) -> Option<(u32, u32)> {
    error.fields.iter().find(|f| f.field == "q").and_then(|f| f.span)
}

pub fn wrong(q: &str, error: ApiError) -> impl IntoView + use<> {
    let (before, bad, after) = cut(q, span(&error).unwrap_or_default());
    let message = error.fields.first().map_or(error.message, |f| f.message.clone());
    // A place after the end of the text still needs something to underline.
    let bad = if bad.is_empty() { "␣".to_owned() } else { bad };
    view! {
        <div class="search-wrong" role="alert">
            <pre>{before}<mark>{bad}</mark>{after}</pre>
            <p>{message}</p>
        </div>
    }
}

/// By characters, as the API counts; a span beyond the text is drawn at its end.
fn cut(text: &str, (from, to): (u32, u32)) -> (String, String, String) {
    let all: Vec<char> = text.chars().collect();
    let from = (from as usize).min(all.len());
    let to = (to as usize).clamp(from, all.len());
    (all[..from].iter().collect(), all[from..to].iter().collect(), all[to..].iter().collect())
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn the_wrong_place_is_cut_out_by_characters() {
        assert_eq!(cut("naïve cpu>x", (10, 11)), ("naïve cpu>".into(), "x".into(), String::new()));
        assert_eq!(cut("abc", (7, 9)), ("abc".into(), String::new(), String::new()));
        assert_eq!(cut("abc", (2, 1)), ("ab".into(), String::new(), "c".into()));
    }
}

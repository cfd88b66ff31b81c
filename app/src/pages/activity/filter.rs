//! The filter is in the address, so that it can be bookmarked; the form works without a script too.

use leptos::prelude::*;
use leptos_router::components::Form;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    pub subject: String,
    pub actor: String,
}

impl Words {
    pub fn is_empty(&self) -> bool {
        self.subject.is_empty() && self.actor.is_empty()
    }

    /// As a query, without what is empty.
    pub fn query(&self) -> String {
        let pairs = [("subject", &self.subject), ("actor", &self.actor)];
        let said = pairs.into_iter().filter(|(_, word)| !word.is_empty());
        said.map(|(key, word)| format!("{key}={}", encode(word))).collect::<Vec<_>>().join("&")
    }
}

/// Percent-encoding of everything but letters, digits and `-._~`.
fn encode(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    word.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[component]
pub fn Filter(words: Memo<Words>) -> impl IntoView {
    let field = |name: &'static str, label: &'static str, value: Signal<String>| {
        view! {
            <label class="field-inline" for=format!("filter-{name}")>
                {label}
                <input class="input" id=format!("filter-{name}") name=name type="search" value=value.get_untracked() prop:value=value/>
            </label>
        }
    };
    view! {
        <Form method="GET" action="/activity" attr:class="filter" attr:role="search">
            {field("subject", "Subject", Signal::derive(move || words.with(|w| w.subject.clone())))}
            {field("actor", "By", Signal::derive(move || words.with(|w| w.actor.clone())))}
            <button type="submit" class="button">"Filter"</button>
            <Show when=move || !words.with(Words::is_empty)><a class="button quiet" href="/activity">"Show all"</a></Show>
        </Form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_said_is_in_the_address() {
        assert_eq!(Words::default().query(), "");
        let words = Words { subject: "a&b ü".into(), actor: String::new() };
        assert_eq!(words.query(), "subject=a%26b%20%C3%BC");
    }
}

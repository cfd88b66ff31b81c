//! Findings of a check: what is wrong and what to do about it, worst first, never by colour alone. What several machines
//! have in common is said once.

use super::names;
use crate::components::status::{Shown, Status};
use leptos::prelude::*;
use model::{
    Problem,
    finding::{Finding, grouped},
};

/// So many names are read at a glance; with more of them the rest is one press away.
const NAMED: usize = 8;

#[component]
pub fn Problems(problems: Vec<Problem>) -> impl IntoView {
    let found = grouped(&problems);
    (!found.is_empty()).then(|| view! { <ul class="problems">{found.into_iter().map(row).collect_view()}</ul> })
}

fn row(found: Finding) -> impl IntoView {
    let word = if found.blocks() { "Stops it" } else { found.severity.word() };
    let (subject, rest) = named(&found.subjects);
    view! {
        <li class="problem">
            <Status tone=found.severity.tone() label=word/>
            <div>
                <p><b>{subject}</b>": "{found.what}</p>
                {(!found.remedy.is_empty()).then(|| view! { <p class="remedy">{found.remedy}</p> })}
                {names::all(rest)}
            </div>
        </li>
    }
}

/// One name, or how many and which.
fn named(subjects: &[String]) -> (String, Option<String>) {
    let (text, rest) = names::few(subjects, NAMED);
    (if subjects.len() == 1 { text } else { format!("{} times: {text}", subjects.len()) }, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Severity;

    fn shown(problems: Vec<Problem>) -> String {
        Owner::new().with(|| view! { <Problems problems/> }.to_html())
    }

    fn slow(count: usize) -> Vec<Problem> {
        (1..=count).map(|n| Problem::new(Severity::Warning, format!("db{n}"), "It is slow.", "Give it more.")).collect()
    }

    #[test]
    fn what_several_have_in_common_is_said_once() {
        let html = shown(slow(6));
        assert_eq!(html.matches("It is slow.").count(), 1);
        assert!(html.contains("6 times: db1, db2, db3, db4, db5, db6<") && !html.contains("<details"), "{html}");
        assert!(!shown(slow(1)).contains("times"));
    }

    #[test]
    fn of_very_many_all_names_can_still_be_read() {
        let html = shown(slow(50));
        assert!(html.contains("50 times: db1, db2, db3, db4, db5, db6, db7, db8 …"), "{html}");
        assert!(html.contains("<details") && html.contains("db49, db50"));
    }

    #[test]
    fn nothing_found_draws_nothing() {
        assert!(!shown(vec![]).contains("<ul"));
    }
}

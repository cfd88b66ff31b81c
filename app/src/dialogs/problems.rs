//! Findings of a check: what is wrong and what to do about it, worst first, never by colour alone.

use crate::components::status::{Shown, Status};
use leptos::prelude::*;
use model::Problem;

#[component]
pub fn Problems(problems: Vec<Problem>) -> impl IntoView {
    let mut problems = problems;
    problems.sort_by_key(|p| std::cmp::Reverse(p.severity));
    (!problems.is_empty()).then(|| view! { <ul class="problems">{problems.into_iter().map(row).collect_view()}</ul> })
}

fn row(problem: Problem) -> impl IntoView {
    let word = if problem.blocks() { "Stops it" } else { problem.severity.word() };
    view! {
        <li class="problem">
            <Status tone=problem.severity.tone() label=word/>
            <div>
                <p><b>{problem.subject}</b>": "{problem.what}</p>
                {(!problem.remedy.is_empty()).then(|| view! { <p class="remedy">{problem.remedy}</p> })}
            </div>
        </li>
    }
}

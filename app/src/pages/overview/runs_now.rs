//! Runs under way, and those that ended within the last hour.

use crate::components::{
    age::Age,
    progress::Progress,
    status::{self, Shown},
};
use leptos::prelude::*;
use model::run::Run;

pub fn list(runs: Vec<Run>) -> impl IntoView {
    (!runs.is_empty()).then(|| {
        view! {
            <section class="card" aria-label="Runs">
                <div class="card-head">
                    <h2>"Runs"</h2>
                    <a href="/runs">"All runs"</a>
                </div>
                <ul class="runs-now">{runs.into_iter().map(line).collect_view()}</ul>
            </section>
        }
    })
}

fn line(run: Run) -> impl IntoView {
    let at = run.finished_at.or(run.started_at).unwrap_or(run.created_at);
    view! {
        <li>
            <a href=format!("/runs/{}", run.id)>{run.title}</a>
            {status::of(run.state)}
            <Progress done=u64::from(run.steps_done) total=u64::from(run.steps_total) label="Steps done" tone=Signal::stored(run.state.tone())/>
            <span class="soft num">{run.steps_done} " of " {run.steps_total} " · " <Age at=Some(at)/></span>
        </li>
    }
}

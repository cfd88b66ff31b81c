//! What happened, newest first: the same rows as the audit and the reports. A long log comes in parts.

use crate::{
    api,
    components::{
        age::TimeOfDay,
        button_action::ButtonAction,
        status::{Shown, Status},
    },
};
use leptos::prelude::*;
use model::{
    Page,
    run::{RunDetail, RunEvent},
};

const PART: u32 = 500;

#[component]
pub fn RunLog(detail: RwSignal<RunDetail>) -> impl IntoView {
    // Kept apart from the run, which is read again and again.
    let earlier = RwSignal::new(Vec::<RunEvent>::new());
    let all = move || detail.with(|d| earlier.with(|e| joined(e, &d.events)));
    let seqs = Memo::new(move |_| all().iter().rev().map(|e| e.seq).collect::<Vec<_>>());
    let line = move |seq: i64| untrack(move || all().into_iter().find(|e| e.seq == seq));
    let left = Memo::new(move |_| detail.with(|d| earlier.with(|e| left(d, e))));
    let more = move || {
        let before = seqs.with_untracked(|s| s.last().copied()).unwrap_or(i64::MAX);
        let path = format!("/runs/{}/events?before={before}&limit={PART}", detail.with_untracked(|d| d.run.id.clone()));
        async move {
            let page: Page<RunEvent> = api::get(&path).await?;
            earlier.try_update(|known| *known = joined(&page.items, known));
            Ok(())
        }
    };
    view! {
        <section class="run-log" aria-labelledby="log-title">
            <h2 id="log-title">"Log "<small>{move || format!("{} lines, newest first", seqs.with(Vec::len) as u64 + left.get())}</small></h2>
            <ol>
                <For each=move || seqs.get() key=|seq| *seq let:seq>
                    {line(seq).map(|event| view! { <Line event/> })}
                </For>
            </ol>
            <Show when=move || { left.get() > 0 }>
                <ButtonAction label="Earlier lines" run=more/>
            </Show>
        </section>
    }
}

/// In order, each once.
fn joined(earlier: &[RunEvent], later: &[RunEvent]) -> Vec<RunEvent> {
    let first = later.first().map_or(i64::MAX, |e| e.seq);
    earlier.iter().filter(|e| e.seq < first).chain(later).cloned().collect()
}

/// Lines that are not on the screen yet. What was asked for stands before what came with the run.
fn left(detail: &RunDetail, earlier: &[RunEvent]) -> u64 {
    let first = detail.events.first().map_or(i64::MAX, |e| e.seq);
    detail.earlier_events.saturating_sub(earlier.iter().filter(|e| e.seq < first).count() as u64)
}

#[component]
fn Line(event: RunEvent) -> impl IntoView {
    let loud = event.severity != model::Severity::Info;
    view! {
        <li>
            <TimeOfDay at=event.at/>
            <span class="log-text">
                {loud.then(|| view! { <Status tone=event.severity.tone() label=event.severity.word()/> })}
                {event.step.map(|step| view! { <code>{step}</code> })}
                " "{event.text}
            </span>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::runs::sample;

    fn lines(seqs: std::ops::Range<i64>) -> Vec<RunEvent> {
        seqs.map(|seq| RunEvent { seq, ..sample::detail().events[0].clone() }).collect()
    }

    #[test]
    fn parts_of_a_log_fit_together() {
        let mut detail = sample::detail();
        (detail.events, detail.earlier_events) = (lines(7..10), 6);
        assert_eq!(left(&detail, &[]), 6);
        // A part that overlaps with what is there already.
        let earlier = lines(4..8);
        let seqs: Vec<i64> = joined(&earlier, &detail.events).iter().map(|e| e.seq).collect();
        assert_eq!((seqs, left(&detail, &earlier)), ((4..10).collect(), 3));
    }
}

//! All recovery plans.

use crate::components::{
    age::Age,
    data_table::{Column, DataTable},
    empty_state::EmptyState,
    load::{Fresh, load},
    page_header::PageHeader,
    status::{Status, Tone},
};
use leptos::prelude::*;
use model::{Page, Problem, live::Topic, plan::Plan};

const COLUMNS: &[Column] = &[
    Column("Plan", ""),
    Column("From → to", ""),
    Column("Ready", ""),
    Column("Checked", "num"),
    Column("Groups", "num wide-only"),
    Column("Service addresses", "wide-only"),
];

#[component]
pub fn PlansPage() -> impl IntoView {
    view! {
        <PageHeader title="Plans" about="In which order machines come up at another site, and how each is known to be well.">
            <a class="button primary" href="/plans/new">"New plan"</a>
        </PageHeader>
        {load(|| "/plans?limit=500".into(), &[Topic::Plan, Topic::Group], |page: Fresh<Page<Plan>>| view! { <Plans page=page.value/> })}
    }
}

#[component]
fn Plans(page: RwSignal<Page<Plan>>) -> impl IntoView {
    let rows = move || page.with(|p| p.items.iter().cloned().map(|plan| view! { <Row plan/> }).collect_view());
    view! {
        <Show
            when=move || page.with(|p| !p.items.is_empty())
            fallback=|| view! {
                <EmptyState title="No recovery plan yet">
                    <p>"Without a plan “Fail over site” has nothing to start. A plan takes one or more protection groups."</p>
                    <a class="button primary" href="/plans/new">"New plan"</a>
                </EmptyState>
            }
        >
            <DataTable caption="Recovery plans" columns=COLUMNS>{rows}</DataTable>
        </Show>
    }
}

/// What the last readiness check came to. Never checked is not the same as ready.
pub fn readiness(problems: &[Problem], checked: bool) -> (Tone, String) {
    let blocking = problems.iter().filter(|p| p.blocks()).count();
    match (checked, blocking, problems.len()) {
        (false, ..) => (Tone::Idle, "Never checked".into()),
        (_, 0, 0) => (Tone::Good, "Ready".into()),
        (_, 0, n) => (Tone::Warn, format!("Ready, {n} to look at")),
        (_, n, _) => (Tone::Bad, format!("Not ready: {n} in the way")),
    }
}

#[component]
fn Row(plan: Plan) -> impl IntoView {
    let (tone, label) = readiness(&plan.problems, plan.checked_at.is_some());
    let addresses: Vec<String> = plan.spec.service_addresses.iter().map(|a| a.address.clone()).collect();
    view! {
        <tr>
            <th scope="row"><a href=format!("/plans/{}", plan.id)>{plan.spec.name}</a></th>
            <td>{format!("{} → {}", plan.protected_site, plan.recovery_site)}</td>
            <td><Status tone label/></td>
            <td class="num"><Age at=plan.checked_at/></td>
            <td class="num wide-only">{plan.spec.group_ids.len()}</td>
            <td class="wide-only">{addresses.join(", ")}</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Severity;

    #[test]
    fn never_checked_is_not_ready() {
        assert_eq!(readiness(&[], false).1, "Never checked");
        assert_eq!(readiness(&[], true).0, Tone::Good);
        let note = Problem::new(Severity::Warning, "x", "", "");
        assert_eq!(readiness(std::slice::from_ref(&note), true).0, Tone::Warn);
        let bad = Problem::new(Severity::Critical, "x", "", "");
        assert_eq!(readiness(&[note, bad], true).0, Tone::Bad);
    }
}

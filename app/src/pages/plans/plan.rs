//! One recovery plan: what it says, whether it is ready, and its editor. `/plans/new` is a plan that is not there yet.

use super::{check::Readiness, editor::Editor};
use crate::{
    components::{
        button_action::ButtonAction,
        load::{Fresh, load},
        page_header::PageHeader,
    },
    dialogs::failover::FailoverDialog,
    state::Session,
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use model::{
    Page,
    access::Role,
    live::Topic,
    plan::{Plan, PlanSpec},
    protection::Group,
};

#[component]
pub fn PlanPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|p| p.get("id").unwrap_or_default()));
    move || match id.get().as_str() {
        "new" => view! { <New/> }.into_any(),
        id => view! { <Existing id=id.to_owned()/> }.into_any(),
    }
}

/// The groups are read beside the plan: they hold the names of the machines.
fn groups<V: IntoView + 'static>(view: impl Fn(RwSignal<Page<Group>>) -> V + Clone + Send + Sync + 'static) -> impl IntoView {
    load(|| "/groups?limit=500".into(), &[Topic::Group], move |page: Fresh<Page<Group>>| view(page.value))
}

#[component]
fn New() -> impl IntoView {
    view! {
        <PageHeader title="New plan" back=("/plans", "Plans")/>
        {groups(|groups| view! { <Editor groups saved=RwSignal::new(PlanSpec::default()) version=RwSignal::new(0) id=None/> })}
    }
}

#[component]
fn Existing(id: String) -> impl IntoView {
    load(move || format!("/plans/{id}"), &[Topic::Plan], |fresh: Fresh<Plan>| view! { <Shown plan=fresh.value/> })
}

#[component]
fn Shown(plan: RwSignal<Plan>) -> impl IntoView {
    let failing = RwSignal::new(false);
    let session = Session::get();
    let refused = Signal::derive(move || session.refusal(Role::Operator));
    let title = Signal::derive(move || plan.with(|p| p.spec.name.clone()));
    let about = Signal::derive(move || plan.with(|p| format!("Brings machines of {} up at {}.", p.protected_site, p.recovery_site)));
    let site = Memo::new(move |_| plan.with(|p| p.protected_site.clone()));
    let id = plan.with_untracked(|p| p.id.clone());
    let saved = RwSignal::new(plan.with_untracked(|p| p.spec.clone()));
    let version = RwSignal::new(plan.with_untracked(|p| p.version));
    Effect::new(move |_| {
        plan.with(|p| {
            version.set(p.version);
            saved.set(p.spec.clone());
        });
    });
    view! {
        <PageHeader title about back=("/plans", "Plans")>
            <ButtonAction
                label=Signal::derive(move || format!("Fail over {} …", site.get())) look="danger" refused
                run=move || async move { failing.set(true); Ok(()) }
            />
        </PageHeader>
        {move || view! { <FailoverDialog site=site.get() open=failing/> }}
        <Readiness plan/>
        {groups(move |groups| view! { <Editor groups saved version id=Some(id.clone())/> })}
    }
}

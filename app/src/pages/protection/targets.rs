//! Further targets of a group: what lies there of each machine, and how it is kept.

use super::{group_form::TargetForm, lag::LagBar, target_form};
use crate::{
    api,
    components::{
        button_action::ButtonAction,
        confirm_dialog::ConfirmDialog,
        data_table::{Column, DataTable},
        dialog::Dialog,
        error_note::ErrorNote,
        load::Loading,
        status::StatusOf,
    },
    format,
    state::Session,
};
use leptos::prelude::*;
use model::{
    Page,
    access::Role,
    cloud::Cloud,
    protection::{Group, Member, ReplicationState, Target},
};

const COLUMNS: &[Column] = &[Column("Machine", ""), Column("Replication", ""), Column("Lag", ""), Column("Points", "num")];

#[component]
pub fn Targets(group: RwSignal<Group>) -> impl IntoView {
    let ids = Memo::new(move |_| group.with(|g| g.further.iter().map(|t| t.id.clone()).collect::<Vec<_>>()));
    view! {
        <For each=move || ids.get() key=String::clone let:id>
            <One id group/>
        </For>
    }
}

#[component]
fn One(id: String, group: RwSignal<Group>) -> impl IntoView {
    let find = move |id: &str| group.with(|g| g.further.iter().find(|t| t.id == id).cloned());
    let Some(first) = untrack(|| find(&id)) else { return ().into_any() };
    let title = format!("target-{id}");
    let target = Memo::new(move |_| find(&id).unwrap_or_else(|| first.clone()));
    let name = move || target.with(|t| format!("Also replicated to {} ({})", t.cloud, t.site));
    let policy = move || {
        target.with(|t| {
            format!(
                "Objective {}, at most {} recovery points, for {} h.",
                format::seconds(t.policy.rpo_seconds),
                t.policy.keep_points,
                t.policy.keep_hours
            )
        })
    };
    view! {
        <section aria-labelledby=title.clone()>
            <div class="target-head">
                <h2 id=title.clone()>{name}</h2>
                <Tools target group/>
            </div>
            <p class="sub">{policy}</p>
            <DataTable caption=target.with_untracked(|t| format!("What lies at {}", t.cloud)) columns=COLUMNS>
                {move || target.with(|t| t.members.iter().map(|m| view! { <Row member=m.clone() target/> }).collect_view())}
            </DataTable>
        </section>
    }
    .into_any()
}

#[component]
fn Row(member: Member, target: Memo<Target>) -> impl IntoView {
    let replication = member.replication.clone();
    let points = match member.replication.missing {
        0 => member.replication.points.to_string(),
        n => format!("{} + {n} missing", member.replication.points),
    };
    view! {
        <tr>
            <th scope="row"><a href=format!("/machines/{}", member.machine_id)>{member.name}</a></th>
            <td>
                <StatusOf<ReplicationState> of=member.replication.state/>
                {member.replication.last_error.map(|text| view! { <p class="member-error">{text}</p> })}
            </td>
            <td><LagBar
                replication=Signal::derive(move || replication.clone())
                policy=Signal::derive(move || target.with(|t| t.policy.clone()))
            /></td>
            <td class="num">{points}</td>
        </tr>
    }
}

#[component]
fn Tools(target: Memo<Target>, group: RwSignal<Group>) -> impl IntoView {
    let (editing, removing) = (RwSignal::new(false), RwSignal::new(false));
    let session = Session::get();
    let title = Signal::derive(move || target.with(|t| format!("Replicate no more to {}", t.cloud)));
    let run = move || {
        let path = format!("/groups/{}/targets/{}", group.with_untracked(|g| g.id.clone()), target.with_untracked(|t| t.id.clone()));
        async move {
            group.try_set(api::delete::<Group>(&path).await?);
            Ok(())
        }
    };
    view! {
        <Show when=move || session.may(Role::Administrator)>
            <span class="tools">
                <button type="button" class="button small" on:click=move |_| editing.set(true)>"Change"</button>
                <button type="button" class="button small quiet" on:click=move |_| removing.set(true)>"Remove"</button>
            </span>
        </Show>
        <Dialog open=editing title=Signal::derive(move || target.with(|t| format!("Change {}", t.cloud))) look="wide">
            <TargetDialog group open=editing target=target.with_untracked(|t| Some(t.clone()))/>
        </Dialog>
        <ConfirmDialog open=removing title verb="Remove" run=run>
            <p>"The recovery points there go, but those that a machine is based on."</p>
        </ConfirmDialog>
    }
}

/// The form of a target: a new one, or of one that is there.
#[component]
pub fn TargetDialog(group: RwSignal<Group>, open: RwSignal<bool>, target: Option<Target>) -> impl IntoView {
    let clouds = LocalResource::new(|| api::get::<Page<Cloud>>("/clouds?limit=500"));
    let target = StoredValue::new(target);
    move || match clouds.get() {
        None => view! { <Loading/> }.into_any(),
        Some(Err(error)) => view! { <ErrorNote error/> }.into_any(),
        Some(Ok(page)) => view! { <Form group clouds=page.items open target=target.get_value()/> }.into_any(),
    }
}

#[component]
fn Form(group: RwSignal<Group>, clouds: Vec<Cloud>, open: RwSignal<bool>, target: Option<Target>) -> impl IntoView {
    let fields = group.with_untracked(|g| target_form::fields(g, target.as_ref()));
    let clouds = StoredValue::new(group.with_untracked(|g| target_form::possible(clouds, g, target.as_ref())));
    let id = StoredValue::new(target.map(|t| t.id));
    let run = move || async move {
        let body = target_form::checked(fields, clouds)?;
        let path = format!("/groups/{}/targets", group.with_untracked(|g| g.id.clone()));
        let answer = match id.get_value() {
            Some(id) => api::put::<_, Group>(&format!("{path}/{id}"), &body).await,
            None => api::post::<_, Group>(&path, &body).await,
        };
        group.try_set(target_form::kept(fields, answer)?);
        open.try_set(false);
        Ok(())
    };
    view! {
        <div class="dialog-body">
            <TargetForm fields clouds/>
        </div>
        <footer class="dialog-foot">
            <button type="button" class="button" on:click=move |_| open.set(false)>"Leave it"</button>
            <ButtonAction label="Save" look="primary" run=run/>
        </footer>
    }
}

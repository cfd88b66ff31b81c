//! The buttons: what the node offers for this machine now; a refused one says why.

use crate::{
    api::{self, failed},
    components::{asked::asked, button_action::ButtonAction, confirm_dialog::ConfirmDialog, copy_command::CopyCommand, toast::Toasts},
    dialogs::{move_machine::MoveDialog, protect::ProtectDialog, recover::RecoverDialog},
    pages::machines::power,
};
use leptos::prelude::*;
use model::machine::{self, Confirmed, CopyRole, Machine, PowerAction};

#[component]
pub fn Actions(machine: RwSignal<Machine>) -> impl IntoView {
    let id = machine.with_untracked(|m| m.row.id.clone());
    let (moving, protecting, recovering) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    let own = id.clone();
    let ids = Signal::derive(move || vec![own.clone()]);
    let path = format!("/machines/{id}/power");
    from_address(machine, [("move", moving), ("protect", protecting), ("recover", recovering)]);
    view! {
        {plain(machine, "start", "Start", PowerAction::Start)}
        {confirmed(machine, "stop", "Stop", PowerAction::Stop, "The guest is asked to shut down.")}
        {confirmed(machine, "power_off", "Power off", PowerAction::PowerOff, "Like pulling the plug: what the guest has not written is lost.")}
        {confirmed(machine, "reset", "Reset", PowerAction::Reset, "Like the reset button: what the guest has not written is lost.")}
        {opener(machine, "protect", "Protect …", protecting, "")}
        {opener(machine, "move", "Move to cloud …", moving, "primary")}
        {recovery(machine, recovering)}
        {removal(machine)}
        <CopyCommand method="POST" path=path body=Some(r#"{"action":"start"}"#.to_owned())/>
        <MoveDialog machine=id.clone() open=moving/>
        <RecoverDialog machine=id open=recovering/>
        <ProtectDialog machines=ids open=protecting/>
    }
}

/// `?do=move`, from the palette. What is refused says why instead.
fn from_address(machine: RwSignal<Machine>, dialogs: [(&'static str, RwSignal<bool>); 3]) {
    let toasts = Toasts::get();
    let any = Signal::derive(move || dialogs.iter().any(|(_, open)| open.get()));
    asked("do", any, move |what| {
        let Some((name, dialog)) = dialogs.into_iter().find(|(name, _)| *name == what) else { return false };
        match untrack(|| refused(machine, name).get()) {
            None => dialog.set(true),
            Some(why) => toasts.error(&failed(why)),
        }
        untrack(|| dialog.get())
    });
}

/// Only for a machine that failed.
fn recovery(machine: RwSignal<Machine>, open: RwSignal<bool>) -> impl IntoView {
    let broken = Memo::new(move |_| machine.with(|m| machine::failed(m.row.state, m.row.cloud_status, &m.row.cloud).is_some()));
    let active = Memo::new(move |_| machine.with(|m| !matches!(m.row.role, Some(CopyRole::Superseded | CopyRole::Incoming))));
    view! {
        <Show when=move || broken.get() && active.get()>
            {opener(machine, "recover", "Recover elsewhere …", open, "danger")}
        </Show>
    }
}

fn refused(machine: RwSignal<Machine>, name: &'static str) -> Signal<Option<String>> {
    Signal::derive(move || {
        machine.with(|m| match m.actions.iter().find(|a| a.name == name) {
            Some(action) => action.refused.clone(),
            None => Some("Not possible with this machine.".to_owned()),
        })
    })
}

async fn act(machine: RwSignal<Machine>, action: PowerAction) -> crate::api::Result<()> {
    let id = machine.with_untracked(|m| m.row.id.clone());
    let seen = power(&id, action).await?;
    machine.try_set(seen);
    Ok(())
}

/// Needs no question before.
fn plain(machine: RwSignal<Machine>, name: &'static str, label: &'static str, action: PowerAction) -> impl IntoView {
    view! { <ButtonAction label=label refused=refused(machine, name) run=move || act(machine, action)/> }
}

fn confirmed(
    machine: RwSignal<Machine>,
    name: &'static str,
    label: &'static str,
    action: PowerAction,
    what: &'static str,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let title = Signal::derive(move || format!("{label} {}?", machine.with(|m| m.row.name.clone())));
    view! {
        {opener(machine, name, label, open, "")}
        <ConfirmDialog open=open title=title verb=label run=move || act(machine, action)>
            <p>{what}</p>
        </ConfirmDialog>
    }
}

/// Only for a superseded copy.
fn removal(machine: RwSignal<Machine>) -> impl IntoView {
    let open = RwSignal::new(false);
    let superseded = Memo::new(move |_| machine.with(|m| m.row.role == Some(CopyRole::Superseded)));
    let name = machine.with_untracked(|m| m.row.name.clone());
    let title = format!("Remove the old copy {name}?");
    let run = move || {
        let (id, confirm) = machine.with_untracked(|m| (m.row.id.clone(), m.row.name.clone()));
        async move { api::post::<_, serde_json::Value>(&format!("/machines/{id}/remove-copy"), &Confirmed { confirm }).await.map(drop) }
    };
    view! {
        <Show when=move || superseded.get()>
            {opener(machine, "remove_copy", "Remove old copy …", open, "danger")}
        </Show>
        <ConfirmDialog open=open title=title verb="Remove the old copy" phrase=name run=run>
            <p>"Its definition and its disks are removed from its cloud. What was written there and never copied is gone then. The active copy stays."</p>
        </ConfirmDialog>
    }
}

fn opener(machine: RwSignal<Machine>, name: &'static str, label: &'static str, open: RwSignal<bool>, look: &'static str) -> impl IntoView {
    let show = move || async move {
        open.set(true);
        Ok(())
    };
    view! { <ButtonAction label=label look=look refused=refused(machine, name) run=show/> }
}

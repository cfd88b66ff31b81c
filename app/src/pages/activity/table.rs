//! The lines of the audit trail.

use crate::components::{
    age::{Age, DateTime},
    data_table::{Column, DataTable},
    status::{Status, Tone},
};
use leptos::prelude::*;
use model::{Page, access::AuditEvent};

const COLUMNS: &[Column] = &[
    Column("When", ""),
    Column("By", ""),
    Column("Did", ""),
    Column("Subject", ""),
    Column("Result", ""),
    Column("Detail", ""),
    Column("From", "wide-only"),
];

#[component]
pub fn Events(page: RwSignal<Page<AuditEvent>>) -> impl IntoView {
    view! {
        <DataTable caption="Activity" columns=COLUMNS>
            <For each=move || page.with(|p| p.items.clone()) key=|e| e.seq let:event>
                <Row event/>
            </For>
        </DataTable>
    }
}

#[component]
fn Row(event: AuditEvent) -> impl IntoView {
    let subject = subject(&event);
    let (tone, label) = if event.ok { (Tone::Good, "Done") } else { (Tone::Bad, "Refused or failed") };
    view! {
        <tr>
            <td><DateTime at=event.at/><span class="sub"><Age at=Some(event.at)/>" ago"</span></td>
            <td>{event.actor}</td>
            <td><code>{event.action}</code></td>
            <th scope="row">{subject}</th>
            <td><Status tone label/></td>
            <td class="wrap">{event.detail}</td>
            <td class="wide-only">{event.address}</td>
        </tr>
    }
}

/// The name of what it was done to, as a way to its page.
pub fn subject(event: &AuditEvent) -> impl IntoView + use<> {
    let name = event.subject.clone();
    match link(event) {
        Some(href) => view! { <a href=href>{name}</a> }.into_any(),
        None => name.into_any(),
    }
}

/// The page of what it was done to, where that has one still.
fn link(event: &AuditEvent) -> Option<String> {
    let id = event.object.as_ref()?;
    let (noun, verb) = event.action.split_once('.')?;
    // A start that was refused made no run: it is about the machine.
    let page = match noun {
        "run" if verb == "start" && !event.ok => "machines",
        "run" => "runs",
        "plan" if verb != "delete" => "plans",
        "machine" => "machines",
        _ => return None,
    };
    Some(format!("/{page}/{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_leads_to_what_it_is_about() {
        let event = |action: &str, ok, object: Option<&str>| AuditEvent {
            seq: 1,
            at: 0,
            actor: "ann".into(),
            action: action.into(),
            subject: "x".into(),
            object: object.map(Into::into),
            ok,
            detail: String::new(),
            address: None,
        };
        assert_eq!(link(&event("run.start", true, Some("r"))), Some("/runs/r".into()));
        assert_eq!(link(&event("run.start", false, Some("m"))), Some("/machines/m".into()));
        assert_eq!(link(&event("plan.delete", true, Some("p"))), None);
        assert_eq!(link(&event("machine.start", true, Some("m"))), Some("/machines/m".into()));
        assert_eq!(link(&event("user.add", true, None)), None);
    }
}

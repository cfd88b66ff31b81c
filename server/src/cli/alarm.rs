//! `crossfade alarm`.

use super::{
    client::{Client, Failure, Result},
    output::{Out, age, table, word},
};
use crate::state::now;
use clap::Subcommand;
use model::{Page, alarm::Alarm};

#[derive(Subcommand)]
pub enum Command {
    /// What lasts now, worst and newest first
    List,
    /// Say that the clock of the node is right, so that ages count again; other alarms go with their cause
    Acknowledge {
        /// Its kind (`clock_unsettled`) or its identifier
        alarm: String,
    },
}

pub async fn run(command: Command, api: &Client, out: Out) -> Result<()> {
    match command {
        Command::List => out.show(&api.all::<Alarm>("/alarms").await?, |all| list(all)),
        Command::Acknowledge { alarm } => {
            let id = pick(&api.all::<Alarm>("/alarms").await?, &alarm)?;
            let left: Page<Alarm> = api.post(&format!("/alarms/{id}/acknowledge"), &serde_json::json!({})).await?;
            out.show(&left.items, |all| format!("{alarm} is acknowledged; {} alarms last.", all.len()))
        }
    }
}

fn pick(all: &[Alarm], given: &str) -> Result<String> {
    let mut fits = all.iter().filter(|a| a.id == given || a.kind == given);
    match (fits.next(), fits.next()) {
        (Some(one), None) => Ok(one.id.clone()),
        (None, _) => Err(Failure::input(format!("There is no alarm '{given}' now: see crossfade alarm list."))),
        (Some(_), Some(_)) => Err(Failure::input(format!("Several alarms are of the kind {given}: give the identifier of one."))),
    }
}

fn list(all: &[Alarm]) -> String {
    let at = now();
    table(["severity", "kind", "subject", "since", "message", "id"], all, |a| {
        [word(&a.severity), a.kind.clone(), a.subject.clone(), age(Some(a.since), at), a.message.clone(), a.id.clone()]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_found_by_its_kind_when_it_is_the_only_one() {
        let alarm = |id: &str, kind: &str| Alarm {
            id: id.into(),
            kind: kind.into(),
            severity: model::Severity::Warning,
            subject: "s".into(),
            site: None,
            message: String::new(),
            since: 0,
            link: None,
        };
        let all = [alarm("1", "rpo_breach"), alarm("2", "rpo_breach"), alarm("3", "clock_unsettled")];
        assert_eq!(pick(&all, "clock_unsettled").unwrap(), "3");
        assert_eq!(pick(&all, "2").unwrap(), "2");
        assert!(pick(&all, "rpo_breach").unwrap_err().to_string().contains("Several"));
        assert!(pick(&all, "disk_low").unwrap_err().to_string().contains("alarm list"));
    }
}

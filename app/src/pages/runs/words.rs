//! The words in which runs and steps are shown, and what stands against a command. Pure.

use model::run::{RunDetail, RunKind, Step, StepState};

pub fn kind(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Move => "Move",
        RunKind::Failover => "Failover",
    }
}

pub fn priority(priority: u8) -> String {
    match priority {
        0 => "Before all".into(),
        6.. => "After all".into(),
        n => format!("Priority {n}"),
    }
}

/// The steps that a pending one still waits for, in words; empty when it could begin.
pub fn waits_for(step: &Step, detail: &RunDetail) -> Vec<String> {
    if step.state != StepState::Pending {
        return vec![];
    }
    let open = |key: &&String| detail.steps.iter().any(|s| s.key == **key && !s.state.is_over());
    let title = |key: &String| detail.steps.iter().find(|s| s.key == *key).map(|s| s.title.clone());
    let mut keys: Vec<&String> = step.needs.iter().chain(&step.after).filter(open).collect();
    keys.dedup();
    keys.into_iter().filter_map(title).collect()
}

/// What the node says of a command about one step: not offered, possible, or refused with a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    None,
    Possible,
    Refused(String),
}

pub fn offer(detail: &RunDetail, command: &str, step: &str) -> Offer {
    let name = format!("{command}:{step}");
    match detail.actions.iter().find(|a| a.name == name) {
        None => Offer::None,
        Some(action) => action.refused.clone().map_or(Offer::Possible, Offer::Refused),
    }
}

/// Why a command is refused now; `None` when it may be given. The server's list is the truth.
pub fn refusal(detail: &RunDetail, name: &str) -> Option<String> {
    match detail.actions.iter().find(|a| a.name == name) {
        Some(action) => action.refused.clone(),
        None if detail.run.state.is_over() => Some("The run is over.".into()),
        None => Some("The node does not offer this now.".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::runs::sample;
    use model::machine::Action;

    #[test]
    fn a_pending_step_names_only_what_is_still_open() {
        let mut detail = sample::detail();
        detail.steps[2].needs = vec!["db1.create".into(), "db1.stop_source".into()];
        assert_eq!(waits_for(&detail.steps[2], &detail), ["create db1.create"]);
        detail.steps[1].state = StepState::Succeeded;
        assert!(waits_for(&detail.steps[2], &detail).is_empty());
    }

    #[test]
    fn what_is_not_offered_has_no_button_and_what_is_refused_says_why() {
        let mut detail = sample::detail();
        let action = |name: &str, refused: Option<&str>| Action { name: name.into(), refused: refused.map(str::to_owned) };
        detail.actions = vec![action("retry_step:db1.create", None), action("skip_step:db1.create", Some("What follows depends on it."))];
        assert_eq!(offer(&detail, "retry_step", "db1.create"), Offer::Possible);
        assert_eq!(offer(&detail, "skip_step", "db1.create"), Offer::Refused("What follows depends on it.".into()));
        assert_eq!(offer(&detail, "answer", "db1.create"), Offer::None);
        assert_eq!(refusal(&detail, "pause"), Some("The node does not offer this now.".into()));
    }
}

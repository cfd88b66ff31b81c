//! The failover of a site: every plan that protects it, in five priority groups.
//!
//! Copies of all machines are made and promoted at once; only the starts are in order. A machine that fails takes with
//! it what needs it, and nothing else.

use super::{
    Builder,
    handover::{self, health},
};
use crate::recovery::{
    schedule::OnError,
    spec::{Action, Planned, Subject},
};
use model::{
    Id,
    plan::{Callout, CalloutAction, CalloutError, PlanMachine, ServiceAddress},
};
use std::collections::HashMap;

#[derive(Default)]
pub struct Failover {
    pub plans: Vec<FailoverPlan>,
}

#[derive(Default)]
pub struct FailoverPlan {
    pub name: String,
    pub machines: Vec<FailoverMachine>,
    pub addresses: Vec<ServiceAddress>,
    pub callouts: Vec<Callout>,
}

pub struct FailoverMachine {
    pub subject: Subject,
    pub settings: PlanMachine,
    /// Its cloud answers: it is stopped there first, and its last changes are copied.
    pub source_answers: bool,
    /// A machine that was off is made there and left off.
    pub starts: bool,
    /// So long it is asked to go down before its power is taken.
    pub grace_seconds: u32,
    /// Where it is to be made lies an older copy of it.
    pub old_copy: bool,
}

pub fn failover(f: &Failover) -> Vec<Planned> {
    let mut b = Builder::new(OnError::GoOn);
    let machines: Vec<&FailoverMachine> = f.plans.iter().flat_map(|p| &p.machines).collect();
    for m in &machines {
        handover::handover(&mut b, m);
    }
    // What those wait for that come after it.
    let ready: HashMap<&Id, String> = machines.iter().map(|m| (&m.settings.member_id, health(m))).collect();
    // What has to be over before the next priority group, and what has to have been answered with "go on".
    let (mut gate, mut prompts): (Vec<String>, Vec<String>) = (vec![], vec![]);
    for priority in 1..=6 {
        callouts(&mut b, f, priority, &mut gate, &mut prompts);
        let members: Vec<&&FailoverMachine> = machines.iter().filter(|m| m.starts && m.settings.priority.clamp(1, 5) == priority).collect();
        let mut over = vec![];
        for m in members {
            over.push(bring_up(&mut b, m, &gate, &prompts, &ready));
        }
        gate.extend(over);
    }
    for plan in &f.plans {
        steer(&mut b, plan);
    }
    for m in machines.iter().filter(|m| m.source_answers) {
        let (s, needs) = (&m.subject, format!("{}.promote", m.subject.label));
        b.add(s, "lock", format!("Lock the old copy of {}", s.name), 6, Action::LockSource).needs(&[needs]);
    }
    b.finish()
}

/// Answers the key of its health check.
fn bring_up(b: &mut Builder, m: &FailoverMachine, gate: &[String], prompts: &[String], ready: &HashMap<&Id, String>) -> String {
    let (s, p) = (&m.subject, m.settings.priority.clamp(1, 5));
    let mut needs = vec![format!("{}.promote", s.label)];
    needs.extend(m.settings.after.iter().filter_map(|id| ready.get(id).cloned()));
    needs.extend(prompts.iter().cloned());
    let mut begin = (needs, gate.to_vec());
    if m.settings.start_delay_seconds > 0 {
        let seconds = m.settings.start_delay_seconds;
        let delay = b.add(s, "delay", format!("Wait {seconds} s before {}", s.name), p, Action::Delay { seconds });
        begin = (vec![delay.needs(&begin.0).after(&begin.1).key()], vec![]);
    }
    let start = b.add(s, "start", format!("Start {} at {}", s.name, s.target.cloud), p, Action::Start);
    let start = start.needs(&begin.0).after(&begin.1).key();
    let check = Action::Health { check: m.settings.health.clone(), timeout_seconds: m.settings.health_timeout_seconds };
    let health = b.add(s, "health", format!("See that {} is well", s.name), p, check).needs(&[&start]).key();
    b.compare(s, &health);
    health
}

/// Scripts and prompts before a priority group. They run one after the other, in the order of the plan.
fn callouts(b: &mut Builder, f: &Failover, priority: u8, gate: &mut Vec<String>, prompts: &mut Vec<String>) {
    let all = f.plans.iter().enumerate().flat_map(|(p, plan)| plan.callouts.iter().enumerate().map(move |(c, callout)| (p, c, callout)));
    for (p, c, callout) in all.filter(|(_, _, callout)| callout.before_priority == priority) {
        let key = format!("callout.{}.{}", p + 1, c + 1);
        let (action, on_error, is_prompt) = match &callout.action {
            CalloutAction::Script { program, args, timeout_seconds } => {
                let script = Action::Script { program: program.clone(), args: args.clone(), timeout_seconds: *timeout_seconds };
                (script, on_error(callout.on_error), false)
            }
            CalloutAction::Prompt { question } => (Action::Prompt { question: question.clone() }, OnError::GoOn, true),
        };
        b.push(key.clone(), callout.name.clone(), None, priority, action).needs(prompts).after(gate).on_error(on_error);
        gate.push(key.clone());
        if is_prompt {
            prompts.push(key);
        }
    }
}

fn on_error(of: CalloutError) -> OnError {
    match of {
        CalloutError::Wait => OnError::Wait,
        CalloutError::GoOn => OnError::GoOn,
    }
}

/// An address of a machine that is not started leads nowhere: it stays as it is.
fn steer(b: &mut Builder, plan: &FailoverPlan) {
    for (i, a) in plan.addresses.iter().enumerate() {
        let Some(m) = plan.machines.iter().find(|m| m.starts && m.settings.member_id == a.member_id) else { continue };
        let (address, mechanism, probe, network) = (a.address.clone(), a.mechanism.clone(), a.probe.clone(), a.network.clone());
        let (s, title) = (&m.subject, format!("Steer {address} to {}", m.subject.name));
        b.add(s, &format!("steer{}", i + 1), title, 6, Action::Steer { address, mechanism, probe, network }).needs(&[health(m)]);
    }
}

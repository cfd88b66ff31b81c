//! The failover of a site: every plan that protects it, in five priority groups.
//!
//! Copies of all machines are made and promoted at once; only the starts are in order. A machine that fails takes with
//! it what needs it, and nothing else.

use super::Builder;
use crate::recovery::{
    schedule::OnError,
    spec::{Action, Phase, Planned, Subject},
};
use model::{
    Id,
    plan::{Callout, CalloutAction, PlanMachine, ServiceAddress},
};
use std::collections::HashMap;

/// A guest gets so long to go down before its power is taken: in a failover the time counts.
const GRACE: u32 = 30;

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
}

pub fn failover(f: &Failover) -> Vec<Planned> {
    let mut b = Builder::new(OnError::GoOn);
    let machines: Vec<&FailoverMachine> = f.plans.iter().flat_map(|p| &p.machines).collect();
    for m in &machines {
        prepare(&mut b, m);
    }
    let health: HashMap<&Id, String> = machines.iter().map(|m| (&m.settings.member_id, format!("{}.health", m.subject.label))).collect();
    // What has to be over before the next priority group, and what has to have been answered with "go on".
    let (mut gate, mut prompts): (Vec<String>, Vec<String>) = (vec![], vec![]);
    for priority in 1..=6 {
        callouts(&mut b, f, priority, &mut gate, &mut prompts);
        let members: Vec<&&FailoverMachine> = machines.iter().filter(|m| m.settings.priority.clamp(1, 5) == priority).collect();
        let mut ready = vec![];
        for m in members {
            ready.push(bring_up(&mut b, m, &gate, &prompts, &health));
        }
        gate.extend(ready);
    }
    for plan in &f.plans {
        steer(&mut b, plan, &health);
    }
    for m in machines.iter().filter(|m| m.source_answers) {
        let (s, needs) = (&m.subject, format!("{}.promote", m.subject.label));
        b.add(s, "lock", format!("Lock the old copy of {}", s.name), 6, Action::LockSource).needs(&[needs]);
    }
    b.finish()
}

fn prepare(b: &mut Builder, m: &FailoverMachine) {
    let s = &m.subject;
    let hold = b.add(s, "hold", format!("Take over replication of {}", s.name), 0, Action::HoldReplication).key();
    let stop = Action::StopSource { grace_seconds: GRACE, unproved_ok: true };
    let stop = b.add(s, "stop", format!("Make sure that {} is off at {}", s.name, s.source.cloud), 0, stop).key();
    let mut before_create = vec![];
    if m.source_answers {
        let fin = b.add(s, "final", format!("Copy the last changes of {}", s.name), 0, Action::Sync { phase: Phase::Final });
        before_create.push(fin.needs(&[&hold, &stop]).key());
    }
    let create = b.add(s, "create", format!("Make {} at {}", s.name, s.target.cloud), 0, Action::Create);
    let create = create.needs(&[&hold]).after(&before_create).key();
    b.add(s, "promote", format!("Hand {} over to {}", s.name, s.target.cloud), 0, Action::Promote).needs(&[&create, &stop]);
}

/// Answers the key of its health check.
fn bring_up(b: &mut Builder, m: &FailoverMachine, gate: &[String], prompts: &[String], health: &HashMap<&Id, String>) -> String {
    let (s, p) = (&m.subject, m.settings.priority.clamp(1, 5));
    let mut needs = vec![format!("{}.promote", s.label)];
    needs.extend(m.settings.after.iter().filter_map(|id| health.get(id).cloned()));
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
    b.add(s, "health", format!("See that {} is well", s.name), p, check).needs(&[&start]).key()
}

/// Scripts and prompts before a priority group. They run one after the other, in the order of the plan.
fn callouts(b: &mut Builder, f: &Failover, priority: u8, gate: &mut Vec<String>, prompts: &mut Vec<String>) {
    let all = f.plans.iter().enumerate().flat_map(|(p, plan)| plan.callouts.iter().enumerate().map(move |(c, callout)| (p, c, callout)));
    for (p, c, callout) in all.filter(|(_, _, callout)| callout.before_priority == priority) {
        let key = format!("callout.{}.{}", p + 1, c + 1);
        let (action, is_prompt) = match &callout.action {
            CalloutAction::Script { program, args, timeout_seconds } => {
                (Action::Script { program: program.clone(), args: args.clone(), timeout_seconds: *timeout_seconds }, false)
            }
            CalloutAction::Prompt { question } => (Action::Prompt { question: question.clone() }, true),
        };
        b.push(key.clone(), callout.name.clone(), None, priority, action).needs(prompts).after(gate);
        gate.push(key.clone());
        if is_prompt {
            prompts.push(key);
        }
    }
}

fn steer(b: &mut Builder, plan: &FailoverPlan, health: &HashMap<&Id, String>) {
    for (i, a) in plan.addresses.iter().enumerate() {
        let Some(m) = plan.machines.iter().find(|m| m.settings.member_id == a.member_id) else { continue };
        let (address, mechanism, probe) = (a.address.clone(), a.mechanism.clone(), a.probe.clone());
        let (s, title) = (&m.subject, format!("Steer {address} to {}", m.subject.name));
        let needs: Vec<&String> = health.get(&a.member_id).into_iter().collect();
        b.add(s, &format!("steer{}", i + 1), title, 6, Action::Steer { address, mechanism, probe }).needs(&needs);
    }
}

//! Runs: what is under way, what was, and what people want of it.

use super::{
    acting,
    audit::{self, About},
    caller::Caller,
};
use crate::{
    error::{Error, Result},
    recovery::{
        control,
        spec::{Planned, RunSpec},
        view,
    },
    state::{Node, new_id, now},
    store::{
        audit::StoredAudit,
        commands::{self, Commanded, Decided, Reopened},
        copies,
        runs::{self, Created, NewRun, RunRow},
        steps::{self, StepRow},
    },
};
use model::{
    Id, Page, Severity,
    access::Role,
    live::Topic,
    run::{Run, RunCommand, RunDetail, RunEvent, RunKind},
};

/// Lines of its log that come with a run; the earlier ones are asked for.
const EVENTS: i64 = 500;

pub async fn list(node: &Node, active: Option<bool>, limit: u32, cursor: Option<&str>) -> Result<Page<Run>> {
    let rows = runs::list(&node.db, active, i64::from(limit) + 1, cursor).await?;
    Ok(super::page(rows.iter().map(view::run).collect(), limit, |r| r.id.clone()))
}

pub async fn get(node: &Node, id: &str) -> Result<RunDetail> {
    let row = runs::get(&node.db, id).await?.ok_or_else(|| Error::not_found(format!("run {id}")))?;
    let steps = steps::of_run(&node.db, id).await?;
    let (events, earlier_events) = steps::events_before(&node.db, id, i64::MAX, EVENTS).await?;
    Ok(RunDetail {
        run: view::run(&row),
        actions: control::buttons(&row, &steps),
        steps: steps.iter().map(view::step).collect(),
        events: events.iter().map(view::event).collect(),
        earlier_events,
        statement: row.statement,
    })
}

/// Which lines of a log.
#[derive(Clone, Copy, Debug)]
pub enum Lines {
    After(i64),
    /// The last ones before it.
    Before(i64),
}

/// A page of a run's log, oldest first. After a page of `After` comes the one after its last line.
pub async fn events(node: &Node, id: &str, lines: Lines, limit: u32) -> Result<Page<RunEvent>> {
    runs::get(&node.db, id).await?.ok_or_else(|| Error::not_found(format!("run {id}")))?;
    match lines {
        Lines::After(seq) => {
            let rows = steps::events(&node.db, id, seq, i64::from(limit) + 1).await?;
            Ok(super::page(rows.iter().map(view::event).collect(), limit, |e| e.seq.to_string()))
        }
        Lines::Before(seq) => {
            let (rows, earlier) = steps::events_before(&node.db, id, seq, i64::from(limit)).await?;
            let next = rows.first().filter(|_| earlier > 0).map(|e| e.seq.to_string());
            Ok(Page { items: rows.iter().map(view::event).collect(), next, total: None })
        }
    }
}

/// Writes down what is wanted; the driver of the run takes it from there.
pub async fn command(node: &Node, caller: &Caller, id: &str, command: &RunCommand) -> Result<RunDetail> {
    let action = format!("run.{}", word(command));
    audit::refused(node, caller, &action, About::new(id, id), try_command(node, caller, id, command).await).await
}

async fn try_command(node: &Node, caller: &Caller, id: &str, command: &RunCommand) -> Result<RunDetail> {
    caller.must_be(Role::Operator)?;
    let row = runs::get(&node.db, id).await?.ok_or_else(|| Error::not_found(format!("run {id}")))?;
    let rows = steps::of_run(&node.db, id).await?;
    if let Some(refusal) = control::refusal(command, &row, &rows) {
        let field = if refusal.starts_with("Say why") { "reason" } else { "comment" };
        let about_input = matches!(command, RunCommand::SkipStep { .. }) && field == "reason" || refusal.starts_with("To go on, type");
        return Err(if about_input { Error::invalid(field, refusal) } else { Error::conflict(refusal) });
    }
    // A run of an older node may have a spec that reads otherwise: the event is then found by the run alone.
    let machines = serde_json::from_str::<RunSpec>(&row.spec).map(|spec| locks(&spec)).unwrap_or_default();
    let about = About { name: &row.title, id: Some(id), also: &machines };
    let event = audit::event(caller, &format!("run.{}", word(command)), about, control::event(command, &caller.name));
    let seq = match command {
        RunCommand::RetryStep { step } if view::state(&row).is_over() => reopen(node, caller, &row, &rows, step, &event).await?,
        _ => write(node, caller, id, command, &event).await?,
    };
    acting::begin();
    node.recovery.wake();
    audit::show(node, event, seq);
    get(node, id).await
}

/// As long as its machines are where it left them.
async fn reopen(node: &Node, caller: &Caller, row: &RunRow, rows: &[StepRow], step: &str, trail: &StoredAudit) -> Result<i64> {
    let spec: RunSpec = serde_json::from_str(&row.spec).map_err(Error::internal)?;
    let mut subjects = vec![];
    for made in rows.iter().filter(|s| s.kind == "promote" || s.kind == "create" || s.kind == "migrate") {
        subjects.extend(view::facts(made).machine_id);
    }
    for machine_id in &subjects {
        let copy = copies::get(&node.db, machine_id).await?;
        if copy.is_some_and(|c| c.role == "active" && c.run_id.as_ref() != Some(&row.id) || c.role == "superseded") {
            return Err(Error::conflict("Machines of this run were moved or failed over again since: begin anew."));
        }
    }
    subjects.extend(locks(&spec));
    subjects.sort();
    subjects.dedup();
    let command = RunCommand::RetryStep { step: step.into() };
    let (event, decided) = (control::event(&command, &caller.name), control::decision(&command, &caller.name));
    let text = serde_json::json!(decided.map(|d| d.1)).to_string();
    let decided = Decided { key: step, states: &["failed"], decision: &text, event: &event, at: now() };
    match commands::reopen(&node.db, &row.id, &subjects, &decided, trail).await? {
        Reopened::Yes(seq) => Ok(seq),
        Reopened::No => Err(Error::conflict("The run went on in the meantime. Look again.")),
        Reopened::Taken => Err(Error::conflict("Another run works on a machine of this one. Wait for its end.")),
    }
}

async fn write(node: &Node, caller: &Caller, id: &str, command: &RunCommand, trail: &StoredAudit) -> Result<i64> {
    let (event, at) = (control::event(command, &caller.name), now());
    if let Some((step, decision)) = control::decision(command, &caller.name) {
        let text = serde_json::json!(decision).to_string();
        let decided = Decided { key: &step, states: control::states(command), decision: &text, event: &event, at };
        let written = commands::decide(&node.db, id, &decided, trail).await?;
        return written.ok_or_else(|| Error::conflict(format!("{step} went on in the meantime. Look again.")));
    }
    let desired = match command {
        RunCommand::Pause => "pause",
        RunCommand::Cancel => "cancel",
        _ => "run",
    };
    match commands::desire(&node.db, id, desired, &event, at, trail).await? {
        Commanded::Yes(seq) => Ok(seq),
        Commanded::Over => Err(Error::conflict("The run ended or is being cancelled. Look again.")),
        Commanded::TooLate { step } => Err(Error::conflict(format!(
            "{step} has begun: the target takes over, there is no way back by cancelling. Let it end, then move back."
        ))),
    }
}

fn word(command: &RunCommand) -> &'static str {
    match command {
        RunCommand::Pause => "pause",
        RunCommand::Resume => "resume",
        RunCommand::Cancel => "cancel",
        RunCommand::RetryStep { .. } => "retry_step",
        RunCommand::SkipStep { .. } => "skip_step",
        RunCommand::Answer { .. } => "answer",
    }
}

/// What a new run is made of.
pub struct Begin {
    pub kind: RunKind,
    pub title: String,
    pub subject: String,
    pub spec: RunSpec,
    pub steps: Vec<Planned>,
    pub statement: Option<String>,
}

/// Writes a run down with its first event, and has it driven at once. Refused while another run has one of its machines.
pub(super) async fn begin(node: &Node, caller: &Caller, begin: Begin) -> Result<Run> {
    let id = new_id();
    let audit = trail(caller, &id, &begin);
    let new = NewRun {
        id: id.clone(),
        kind: begin.kind.as_str(),
        title: begin.title.clone(),
        subject: begin.subject.clone(),
        spec: serde_json::json!(begin.spec).to_string(),
        created_by: caller.name.clone(),
        created_at: now(),
        statement: begin.statement.clone(),
        steps: begin.steps.iter().map(Planned::to_row).collect(),
        locks: locks(&begin.spec),
        event: format!("{} was started by {}.", begin.title, caller.name),
        audit,
    };
    match runs::create(&node.db, &new).await? {
        Created::Taken { subject, run_id } => {
            let name = begin.spec.subjects.iter().find(|s| s.machine_id == subject || s.lineage.as_deref() == Some(&subject));
            let name = name.map_or("a machine", |s| s.name.as_str());
            return Err(Error::conflict(format!("Another run ({run_id}) works on {name}. Wait for its end, or cancel it.")));
        }
        Created::Yes(seqs) => new.audit.into_iter().zip(seqs).for_each(|(event, seq)| audit::show(node, event, seq)),
    }
    acting::begin();
    node.recovery.wake();
    let row = runs::get(&node.db, &id).await?.ok_or_else(|| Error::internal("the run that was just written is gone"))?;
    let run = view::run(&row);
    node.live.publish(Topic::Run, &id, &run);
    Ok(run)
}

/// The start, and what was stated instead of a proof.
fn trail(caller: &Caller, id: &str, begin: &Begin) -> Vec<StoredAudit> {
    let machines = locks(&begin.spec);
    let about = About { name: &begin.title, id: Some(id), also: &machines };
    let mut all = vec![audit::event(caller, "run.start", about, begin.subject.clone())];
    if let Some(statement) = &begin.statement {
        let event = format!("{} stated: \"{statement}\".", caller.name);
        tracing::warn!(run = %id, severity = ?Severity::Warning, "{event}");
        all.push(audit::event(caller, "run.statement", about, event));
    }
    all
}

fn locks(spec: &RunSpec) -> Vec<Id> {
    let mut all: Vec<Id> = spec.subjects.iter().flat_map(|s| std::iter::once(s.machine_id.clone()).chain(s.lineage.clone())).collect();
    all.sort();
    all.dedup();
    all
}

//! Which alarms the present state calls for: pure.

use super::{Condition, clock::Jump, disk::Disk};
use crate::{
    inventory::{
        rows::Context,
        table::{Row, Table},
    },
    store::machines::MemberFact,
};
use model::{
    Id, Millis, Severity,
    alarm::CLOCK_UNSETTLED,
    cloud::{Cloud, CloudStatus},
    machine::CopyRole,
    protection::ReplicationState,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub struct Scene<'a> {
    pub context: &'a Context,
    pub table: &'a Table,
    pub split: &'a [Split],
    pub jump: Option<Jump>,
    /// One that nobody took back or acknowledged.
    pub unsettled: Option<Jump>,
    pub disk: &'a Disk,
    pub now: Millis,
}

const JUDGED: [&str; 15] = [
    "site_down",
    "cloud_unreachable",
    "cloud_refused",
    "own_network",
    "split_brain",
    "superseded_running",
    "autostart_on_copy",
    "rpo_breach",
    "replication_failing",
    "points_missing",
    "not_protected",
    "clock_jump",
    CLOCK_UNSETTLED,
    "store_full",
    "disk_low",
];

/// Raised and cleared here, and nowhere else.
pub fn judges(kind: &str) -> bool {
    JUDGED.contains(&kind)
}

pub fn needs_all_clouds(kind: &str) -> bool {
    JUDGED[..7].contains(&kind)
}

pub fn judge(scene: &Scene) -> Vec<Condition> {
    let mut all = clouds(scene);
    all.extend(scene.split.iter().map(|s| split_brain(s, scene)));
    all.extend(copies(scene));
    all.extend(replication(scene));
    all.extend(scene.jump.map(clock));
    all.extend(scene.unsettled.map(unsettled));
    all.extend(disk(scene.disk));
    all
}

fn answers(cloud: &Cloud) -> bool {
    matches!(cloud.status, CloudStatus::Ok | CloudStatus::Stale)
}

fn clouds(scene: &Scene) -> Vec<Condition> {
    let mut sites = BTreeMap::<&str, Vec<&Cloud>>::new();
    scene.context.clouds.values().for_each(|c| sites.entry(c.site.as_str()).or_default().push(c));
    let mut all = vec![];
    for (site, clouds) in &sites {
        let lost = |c: &Cloud| c.status == CloudStatus::Unreachable;
        if clouds.iter().all(|c| lost(c)) {
            all.push(site_down(site, clouds));
        } else {
            all.extend(clouds.iter().filter(|c| lost(c)).map(|c| unreachable(c)));
        }
        all.extend(clouds.iter().filter(|c| c.status == CloudStatus::Refused).map(|c| refused(c)));
    }
    let everything = scene.context.clouds.values();
    if everything.len() > 1 && everything.clone().all(|c| c.status == CloudStatus::Unreachable) {
        all.push(own_network(everything.len()));
    }
    all
}

fn words(cloud: &Cloud) -> &str {
    cloud.message.as_deref().unwrap_or("no answer")
}

fn site_down(site: &str, clouds: &[&Cloud]) -> Condition {
    let first = clouds.first().map(|c| format!("{}: {}", c.name, words(c))).unwrap_or_default();
    let count =
        if clouds.len() == 1 { "Its one cloud does not answer".into() } else { format!("None of its {} clouds answers", clouds.len()) };
    Condition {
        kind: "site_down",
        subject_id: site.into(),
        severity: Severity::Critical,
        subject: site.into(),
        site: Some(site.into()),
        message: format!("{count} ({first})."),
        link: Some("/".into()),
    }
}

fn of_cloud(kind: &'static str, severity: Severity, cloud: &Cloud, message: String) -> Condition {
    Condition {
        kind,
        subject_id: cloud.id.clone(),
        severity,
        subject: cloud.name.clone(),
        site: Some(cloud.site.clone()),
        message,
        link: Some(format!("/clouds/{}", cloud.id)),
    }
}

fn unreachable(cloud: &Cloud) -> Condition {
    of_cloud("cloud_unreachable", Severity::Critical, cloud, format!("It does not answer: {}.", words(cloud).trim_end_matches('.')))
}

fn refused(cloud: &Cloud) -> Condition {
    let message = format!("It answers but refuses: {}. Check its settings.", words(cloud).trim_end_matches('.'));
    of_cloud("cloud_refused", Severity::Warning, cloud, message)
}

fn own_network(count: usize) -> Condition {
    Condition {
        kind: "own_network",
        subject_id: String::new(),
        severity: Severity::Critical,
        subject: "this console".into(),
        site: None,
        message: format!(
            "None of {count} clouds at any site answers: the console's own network is the likely cause. Check it before a failover."
        ),
        link: Some("/clouds".into()),
    }
}

/// Machines that are copies of one another and run at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// Lineage, or the identity that the guests share.
    pub key: String,
    pub machines: BTreeSet<Id>,
}

/// Only what was seen counts: the last state of a cloud that does not answer proves nothing.
pub fn splits(context: &Context, table: &Table) -> Vec<Split> {
    let answering: BTreeSet<&str> = context.clouds.values().filter(|c| answers(c)).map(|c| c.id.as_str()).collect();
    let runs = |row: &Row| row.state.is_live() && answering.contains(&*row.cloud_id);
    let mut by_key = HashMap::<&str, BTreeSet<Id>>::new();
    for copy in context.facts.copies.values() {
        if table.get(&copy.machine_id).is_some_and(|r| runs(r) && !arriving(copy.role, r)) {
            by_key.entry(&copy.lineage).or_default().insert(copy.machine_id.clone());
        }
    }
    // The same identity twice, even where nobody told us that they belong together.
    for row in table.rows().iter().filter(|r| runs(r)) {
        if context.facts.copies.get(&row.id).is_none_or(|c| !arriving(c.role, row)) {
            by_key.entry(&row.native_id).or_default().insert(row.id.clone());
        }
    }
    let several = by_key.into_iter().filter(|(_, machines)| machines.len() > 1);
    let mut splits: Vec<Split> = several.map(|(key, machines)| Split { key: key.into(), machines }).collect();
    // A lineage and an identity may name the same pair.
    splits.sort_by(|a, b| a.machines.cmp(&b.machines).then(a.key.cmp(&b.key)));
    splits.dedup_by(|a, b| a.machines == b.machines);
    splits
}

/// The receiving end of a live migration exists, paused, while the source still runs.
fn arriving(role: CopyRole, row: &Row) -> bool {
    role == CopyRole::Incoming && row.state != model::machine::PowerState::Running
}

fn split_brain(split: &Split, scene: &Scene) -> Condition {
    let rows: Vec<&Row> = split.machines.iter().filter_map(|id| scene.table.get(id)).map(AsRef::as_ref).collect();
    let place = |r: &&Row| scene.context.clouds.get(&*r.cloud_id).map_or(String::new(), |c| format!("{} ({})", c.site, c.name));
    let role = |r: &&Row| scene.context.facts.copies.get(&r.id).map(|c| c.role);
    let places: Vec<String> = rows.iter().map(place).collect();
    let wrong = rows.iter().find(|r| role(r) == Some(CopyRole::Superseded));
    let advice = match wrong {
        Some(row) => format!("Stop the superseded copy at {} at once.", place(row)),
        None => "Stop one of them at once. If it is one machine that was added twice, remove one of the two clouds.".into(),
    };
    let subject = rows.first().map(|r| r.name.to_string()).unwrap_or_default();
    let shown = wrong.or(rows.first());
    Condition {
        kind: "split_brain",
        subject_id: split.key.clone(),
        severity: Severity::Critical,
        message: format!("Split brain: {} copies run at once: {}. {advice}", rows.len(), places.join(", ")),
        site: shown.and_then(|r| scene.context.clouds.get(&*r.cloud_id)).map(|c| c.site.clone()),
        link: shown.map(|r| format!("/machines/{}", r.id)),
        subject,
    }
}

fn copies(scene: &Scene) -> Vec<Condition> {
    let mut all = vec![];
    for copy in scene.context.facts.copies.values() {
        let (Some(row), true) = (scene.table.get(&copy.machine_id), copy.role != CopyRole::Active) else { continue };
        let Some(cloud) = scene.context.clouds.get(&*row.cloud_id) else { continue };
        if copy.role == CopyRole::Superseded && row.state.is_live() && answers(cloud) {
            let message = format!("The superseded copy at {} runs. It must stay stopped: stop it.", cloud.site);
            all.push(of_machine("superseded_running", Severity::Critical, row, cloud, message));
        }
        if row.autostart == Some(true) {
            let message = format!("This copy at {} would start by itself with its host. Take its autostart away.", cloud.site);
            all.push(of_machine("autostart_on_copy", Severity::Warning, row, cloud, message));
        }
    }
    all
}

fn of_machine(kind: &'static str, severity: Severity, row: &Row, cloud: &Cloud, message: String) -> Condition {
    Condition {
        kind,
        subject_id: row.id.clone(),
        severity,
        subject: row.name.to_string(),
        site: Some(cloud.site.clone()),
        message,
        link: Some(format!("/machines/{}", row.id)),
    }
}

/// Behind its objective. One that was protected a moment ago has as long as the objective for its first point. A point
/// from the future (the clock was set back) may be any age: nobody can say that the objective is kept.
pub fn in_breach(m: &MemberFact, now: Millis) -> bool {
    let since = m.newest_point_at.unwrap_or(m.created_at);
    m.state != ReplicationState::Recovered && model::age(since, now).is_none_or(|ms| ms > i64::from(m.rpo_seconds) * 1000)
}

fn replication(scene: &Scene) -> Vec<Condition> {
    let mut groups = BTreeMap::<&str, Vec<&MemberFact>>::new();
    let facts = &scene.context.facts;
    facts.members.values().chain(&facts.further).for_each(|m| groups.entry(m.group_id.as_str()).or_default().push(m));
    let mut all = vec![];
    for members in groups.values() {
        let late: Vec<&MemberFact> = members.iter().filter(|m| in_breach(m, scene.now)).copied().collect();
        let failing: Vec<&MemberFact> = members.iter().filter(|m| m.state == ReplicationState::Failing).copied().collect();
        all.extend(rpo_breach(&late, members.len()));
        all.extend(replication_failing(&failing, members.len()));
        all.extend(points_missing(members));
        // Of a further target: its group says so.
        let waits = |m: &&&MemberFact| m.state == ReplicationState::Recovered && m.main_id.is_none();
        let recovered: Vec<&MemberFact> = members.iter().filter(waits).copied().collect();
        all.extend(not_protected(&recovered, members.len()));
    }
    all
}

fn of_group(kind: &'static str, m: &MemberFact, message: String) -> Condition {
    Condition {
        kind,
        subject_id: m.group_id.clone(),
        severity: Severity::Warning,
        subject: m.group.clone(),
        site: Some(m.site.clone()),
        message,
        link: Some(format!("/protection/{}", m.main_id.as_ref().unwrap_or(&m.group_id))),
    }
}

/// `3 of 6 machines (db1, db2, app1)`.
fn which(some: &[&MemberFact], of: usize) -> String {
    let mut names: Vec<&str> = some.iter().map(|m| m.name.as_str()).collect();
    names.sort_unstable();
    let more = if names.len() > 3 { ", …" } else { "" };
    format!("{} of {of} machines ({}{more})", some.len(), names[..names.len().min(3)].join(", "))
}

fn rpo_breach(late: &[&MemberFact], of: usize) -> Option<Condition> {
    let first = late.first()?;
    let paused = if first.paused { " The group is paused." } else { "" };
    let message = format!("{} have no recovery point younger than {} s.{paused}", which(late, of), first.rpo_seconds);
    Some(of_group("rpo_breach", first, message))
}

fn replication_failing(failing: &[&MemberFact], of: usize) -> Option<Condition> {
    let first = failing.iter().min_by_key(|m| (&m.name, &m.member_id))?;
    let why = first.last_error.as_deref().unwrap_or("no reason is known").trim_end_matches('.');
    Some(of_group("replication_failing", first, format!("Replication fails for {}: {why}.", which(failing, of))))
}

/// What was there before would not be found if it were needed now.
fn points_missing(members: &[&MemberFact]) -> Option<Condition> {
    let some: Vec<&MemberFact> = members.iter().filter(|m| m.missing > 0).copied().collect();
    let (first, count) = (some.first()?, some.iter().map(|m| m.missing).sum::<u64>());
    let message = format!(
        "{count} recovery points of {} are not at the target now: a storage pool is away, or somebody removed them. They are taken back \
         when they return.",
        which(&some, members.len())
    );
    Some(of_group("points_missing", first, message))
}

/// They came up elsewhere, and nothing flows from there.
fn not_protected(recovered: &[&MemberFact], of: usize) -> Option<Condition> {
    let first = recovered.first()?;
    let message = format!("{} run where they were recovered, without protection: protect them again.", which(recovered, of));
    Some(of_group("not_protected", first, message))
}

fn clock(jump: Jump) -> Condition {
    let seconds = jump.by.abs() / 1000;
    let way = if jump.by > 0 { "ahead" } else { "back" };
    let message = format!("The clock of this node jumped {way} by {seconds} s. Ages around that moment are wrong; check its time service.");
    of_console("clock_jump", Severity::Warning, message, "/activity")
}

fn of_console(kind: &'static str, severity: Severity, message: String, link: &str) -> Condition {
    Condition { kind, subject_id: String::new(), severity, subject: "this console".into(), site: None, message, link: Some(link.into()) }
}

fn unsettled(jump: Jump) -> Condition {
    let how = match jump.by {
        0 => "The clock of this node jumped before its last start".to_owned(),
        by if by > 0 => format!("The clock of this node is {} s ahead of where it was", by / 1000),
        by => format!("The clock of this node is {} s behind where it was", -by / 1000),
    };
    let message = format!(
        "{how}. No recovery point and no old copy is deleted because of its age until the clock is set back right, or somebody acknowledges \
         this alarm since the clock is right now."
    );
    of_console(CLOCK_UNSETTLED, Severity::Warning, message, "/activity")
}

fn disk(disk: &Disk) -> Vec<Condition> {
    let mut all = vec![];
    if disk.full {
        let message = "The store cannot write: its disk is full. What you see is current, but nothing can be changed, no recovery point is \
                       made and no run goes on. Free space there; it goes on by itself.";
        all.push(of_console("store_full", Severity::Critical, message.into(), "/activity"));
    }
    if let Some(free) = disk.low {
        let message =
            format!("Only {} MiB are free in its data folder {}. Free space there before the store cannot write.", free >> 20, disk.folder);
        all.push(of_console("disk_low", Severity::Warning, message, "/activity"));
    }
    all
}

//! From the rows of its machines to the rows of a group: sums, the worst verdict, and who is in the way. Pure.

use super::{Asked, cost, rank};
use model::{
    Id, Millis, Problem, Severity,
    placement::{GroupPlace, GroupPlacement, PlaceCost, Placement, Verdict},
    protection::Group,
};
use std::collections::BTreeMap;

type One = (Placement, Vec<Asked>);

pub fn put_together(group: &Group, all: Vec<One>, mut problems: Vec<Problem>, asked_at: Millis) -> GroupPlacement {
    problems.extend(all.iter().flat_map(|(whole, _)| whole.problems.iter().cloned()));
    let mut by_cloud: BTreeMap<&Id, Vec<(&Placement, &Asked)>> = BTreeMap::new();
    for (whole, asked) in &all {
        for one in asked {
            by_cloud.entry(&one.place.at.cloud_id).or_default().push((whole, one));
        }
    }
    let mut rows: Vec<GroupPlace> = by_cloud.values().map(|there| row(there, all.len())).collect();
    rows.sort_by(|a, b| rank::order(a, b));
    GroupPlacement {
        group_id: group.id.clone(),
        group: group.name.clone(),
        asked_at,
        machines: u32::try_from(group.members.len()).unwrap_or(u32::MAX),
        problems,
        best: rank::best(rows.iter()),
        rows,
    }
}

/// Of one cloud, for all machines that are not there.
fn row(there: &[(&Placement, &Asked)], machines: usize) -> GroupPlace {
    let places = || there.iter().map(|(_, a)| &a.place);
    let mut findings: Vec<Problem> = places().flat_map(|p| p.findings.iter().cloned()).collect();
    let memory = together(there);
    let mut verdict = places().map(|p| p.verdict).max().unwrap_or(Verdict::Unknown);
    if let Some(problem) = memory {
        verdict = Verdict::Cannot;
        findings.push(problem);
    }
    let blocked = there.iter().filter(|(_, a)| a.place.verdict == Verdict::Cannot).map(|(w, _)| w.machine.clone());
    let names = |of: fn(&Asked) -> &model::placement::Cost| cost::sum(there.iter().map(move |(w, a)| (w.machine.as_str(), of(a))));
    GroupPlace {
        at: there[0].1.place.at.clone(),
        verdict,
        blocked: blocked.collect(),
        here: u32::try_from(machines - there.len()).unwrap_or_default(),
        bytes: places().map(|p| p.bytes).sum(),
        time_ms: places().map(|p| p.estimate.time_ms).sum(),
        cost: PlaceCost { month: names(|a| &a.place.cost.month), moving: names(|a| &a.place.cost.moving) },
        findings,
    }
}

/// Each fits alone, and all of them do not.
fn together(there: &[(&Placement, &Asked)]) -> Option<Problem> {
    let free = there.iter().filter_map(|(_, a)| a.memory_free_mib).min()?;
    let needed: u64 = there.iter().map(|(_, a)| a.memory_mib).sum();
    let largest = there.iter().map(|(_, a)| a.memory_mib).max().unwrap_or(0);
    (needed > free && largest <= free).then(|| {
        let what = format!("{free} MiB of memory are free, all machines together take {needed} MiB.");
        Problem::new(Severity::Critical, &there[0].1.place.at.cloud, what, "Stop something there, or move some of them only.")
    })
}

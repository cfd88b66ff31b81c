//! Where a machine can be recovered from a recovery point: at the cloud that keeps it, at once and with nothing to send.
//! No cloud reads a point out of another one, and that is said of all others.

use super::{Books, ask, conversion, cost, rank};
use crate::{
    error::Result,
    services::plans::readiness,
    state::Node,
    store::{plans::Protected, points::StoredPoint},
};
use model::{
    Problem, Severity,
    cloud::Cloud,
    placement::{Estimate, Place, PlaceCost, Verdict},
};

/// Every cloud but its own, with a sentence about the first one.
pub async fn from_point(node: &Node, m: &Protected, point: &StoredPoint) -> Result<(Vec<Place>, Option<String>)> {
    let books = Books::open(node).await?;
    let mut rows = vec![];
    for cloud in node.inventory.clouds().into_values().filter(|c| c.id != m.cloud_id) {
        rows.push(if cloud.id == point.cloud_id { keeper(node, &books, &cloud, m, point).await } else { other(&cloud, m) });
    }
    rows.sort_by(|a, b| rank::order(a, b));
    let best = rank::best(rows.iter());
    Ok((rows, best))
}

async fn keeper(node: &Node, books: &Books, cloud: &Cloud, m: &Protected, point: &StoredPoint) -> Place {
    if let Some(why) = ask::not_asked(cloud) {
        return ask::silent(cloud, why);
    }
    let findings = readiness::targets(node, &[(m, true)], readiness::SHORT).await;
    let disks = point.spec.disks.iter().map(|d| d.size_bytes).sum();
    let size = cost::Size { vcpus: point.spec.vcpus, memory_mib: point.spec.memory_mib, disk_bytes: disks };
    Place {
        at: ask::cloud_of(cloud, true),
        verdict: rank::verdict(&findings),
        findings,
        conversion: conversion::of(&point.spec, &cloud.kind),
        modes: vec![],
        bytes: Some(0),
        point_at: Some(point.taken_at),
        estimate: Estimate { about: "From a recovery point that lies there nothing has to be sent.".into(), ..Estimate::default() },
        cost: PlaceCost {
            month: cost::month(books.prices.get(&cloud.id), &size),
            moving: cost::moving(books.prices.get(&m.cloud_id), &m.cloud, 0),
        },
    }
}

fn other(cloud: &Cloud, m: &Protected) -> Place {
    let what = format!("The recovery points of {} are at {}, and are made into a machine only there.", m.name, m.target_cloud);
    let remedy = format!("Recover it at {}, then move it on.", m.target_cloud);
    let row = ask::silent(cloud, String::new());
    let about = Estimate { about: "Not from here.".into(), ..Estimate::default() };
    Place { verdict: Verdict::Cannot, findings: vec![Problem::new(Severity::Critical, &cloud.name, what, remedy)], estimate: about, ..row }
}

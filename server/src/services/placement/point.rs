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
pub async fn from_points(node: &Node, kept: &[(Protected, StoredPoint)]) -> Result<(Vec<Place>, Option<String>)> {
    let books = Books::open(node).await?;
    let mut rows = vec![];
    let away = |id: &str| kept.iter().all(|(m, _)| m.cloud_id != id);
    for cloud in node.inventory.clouds().into_values().filter(|c| away(&c.id)) {
        rows.push(match kept.iter().find(|(_, point)| point.cloud_id == cloud.id) {
            Some((m, point)) => keeper(node, &books, &cloud, m, point).await,
            None => other(&cloud, kept),
        });
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

fn other(cloud: &Cloud, kept: &[(Protected, StoredPoint)]) -> Place {
    let name = kept.first().map_or("it", |(m, _)| m.name.as_str());
    let clouds = kept.iter().map(|(m, _)| m.target_cloud.as_str()).collect::<Vec<_>>().join(" and ");
    let what = format!("The recovery points of {name} are at {clouds}, and are made into a machine only there.");
    let remedy = format!("Recover it at {clouds}, then move it on.");
    let row = ask::silent(cloud, String::new());
    let about = Estimate { about: "Not from here.".into(), ..Estimate::default() };
    Place { verdict: Verdict::Cannot, findings: vec![Problem::new(Severity::Critical, &cloud.name, what, remedy)], estimate: about, ..row }
}

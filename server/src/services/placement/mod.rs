//! Where can it run: one machine, or a group, against every other cloud.
//!
//! Every cloud is asked what the preflight of a move asks, all at once and each for a limited time: one that does not
//! answer is a row that says so. What is not known is said to be unknown: times come from what was seen on the same
//! link, and costs from price lists that somebody entered. Changes nothing.

mod ask;
mod conversion;
mod cost;
mod group;
mod history;
mod maps;
mod point;
mod rank;

use super::moves::{self, Origin};
use crate::{
    error::{Error, Result},
    state::{Node, now},
    store::prices,
};
use ask::Asked;
use futures::{StreamExt, stream};
use history::History;
use model::{
    Id, Problem, Severity,
    cloud::Cloud,
    placement::{GroupPlacement, Placement},
    prices::PriceList,
};
use std::{collections::HashMap, sync::Arc, time::Duration};

pub(super) use point::from_points;

/// Somebody waits for the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Clouds that are asked for one machine, and machines of a group, at once.
const AT_ONCE: usize = 8;

/// What is the same for every cloud that is asked.
pub(super) struct Books {
    pub prices: HashMap<Id, PriceList>,
    pub history: History,
}

impl Books {
    pub async fn open(node: &Node) -> Result<Self> {
        Ok(Self { prices: prices::all(&node.db).await?, history: History::load(node).await? })
    }
}

pub async fn of_machine(node: &Node, id: &str) -> Result<Placement> {
    let books = Books::open(node).await?;
    let (whole, asked) = one(node, &books, id).await?;
    Ok(Placement { rows: asked.into_iter().map(|a| a.place).collect(), ..whole })
}

pub async fn of_group(node: &Node, id: &str) -> Result<GroupPlacement> {
    let group = super::groups::get(node, id).await?;
    if group.members.is_empty() {
        return Err(Error::conflict(format!("{} has no machine: add one first.", group.name)));
    }
    let books = Books::open(node).await?;
    let mut looks = vec![];
    for member in &group.members {
        looks.push(one(node, &books, &member.machine_id));
    }
    let looks: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
    let mut all = vec![];
    let mut problems = vec![];
    for (member, look) in group.members.iter().zip(looks) {
        match look {
            Ok(one) => all.push(one),
            Err(e) => problems.push(Problem::new(Severity::Critical, &member.name, e.message, "Look at this machine.")),
        }
    }
    Ok(group::put_together(&group, all, problems, now()))
}

/// Without its rows, and these, the best first.
async fn one(node: &Node, books: &Books, id: &str) -> Result<(Placement, Vec<Asked>)> {
    let asked_at = now();
    let origin = origin(node, id).await?;
    let clouds: Vec<Arc<Cloud>> = node.inventory.clouds().into_values().filter(|c| c.id != origin.cloud.id).collect();
    let mut looks = vec![];
    for cloud in &clouds {
        looks.push(ask::ask(node, books, &origin, cloud));
    }
    let mut asked: Vec<Asked> = stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
    asked.sort_by(|a, b| rank::order(&a.place, &b.place));
    let whole = Placement {
        machine_id: origin.stored.id.clone(),
        machine: origin.observed.name.clone(),
        cloud_id: origin.cloud.id.clone(),
        cloud: origin.cloud.name.clone(),
        site: origin.cloud.site.clone(),
        asked_at,
        month_here: cost::month(books.prices.get(&origin.cloud.id), &cost::Size::of(&origin)),
        best: rank::best(asked.iter().map(|a| &a.place)),
        problems: origin.problems,
        rows: vec![],
    };
    Ok((whole, asked))
}

/// As its cloud shows it now. Of one that does not answer: as it was last seen, to be made from its newest recovery point.
async fn origin(node: &Node, id: &str) -> Result<Origin> {
    let known = moves::known(node, id).await?;
    let mut origin = match tokio::time::timeout(PATIENCE, moves::look(node, known)).await {
        Ok(origin) => origin,
        Err(_) => {
            let mut origin = moves::known(node, id).await?;
            let what = format!("It did not answer within {} s.", PATIENCE.as_secs());
            let remedy = "A move needs its source: bring the cloud back, or recover the machine elsewhere.";
            origin.problems.push(Problem::new(Severity::Critical, &origin.cloud.name, what, remedy));
            origin
        }
    };
    if origin.spec.is_none() {
        origin.spec = origin.newest().map(|p| p.spec.clone());
    }
    Ok(origin)
}

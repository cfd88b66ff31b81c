//! What the palette finds: pages by name, machines by the search language, sites with what can be done there.

use crate::{api, frame::WAYS};
use model::{Page, machine::MachineRow, overview::Overview};

#[derive(Clone, PartialEq)]
pub struct Entry {
    pub label: String,
    pub kind: &'static str,
    pub href: String,
}

const MACHINES: usize = 8;

pub async fn search(typed: String) -> Vec<Entry> {
    let words = typed.trim().to_lowercase();
    let mut found: Vec<Entry> = pages().into_iter().filter(|e| e.label.to_lowercase().contains(&words)).collect();
    if !words.is_empty() {
        found.extend(sites(&words).await);
        found.extend(machines(&typed).await);
    }
    found
}

fn pages() -> Vec<Entry> {
    let more = [("/clouds/add", "Add cloud")];
    WAYS.iter().chain(&more).map(|(href, label)| Entry { label: (*label).into(), kind: "Page", href: (*href).into() }).collect()
}

async fn sites(words: &str) -> Vec<Entry> {
    let Ok(overview) = api::get::<Overview>("/overview").await else { return Vec::new() };
    let named = overview.sites.into_iter().filter(|s| format!("fail over {}", s.name.to_lowercase()).contains(words));
    named.flat_map(|s| of_site(&s.name)).collect()
}

fn of_site(name: &str) -> [Entry; 2] {
    let site = crate::state::escape(name);
    [
        Entry { label: format!("Fail over {name} …"), kind: "Action", href: format!("/?failover={site}") },
        Entry { label: format!("Machines at {name}"), kind: "Site", href: format!("/machines?q=site:{site}") },
    ]
}

/// A half-typed search is no error here: it finds nothing yet.
async fn machines(typed: &str) -> Vec<Entry> {
    let path = format!("/machines?limit={MACHINES}&q={}", crate::state::escape(typed));
    let rows = api::get::<Page<MachineRow>>(&path).await.map(|p| p.items).unwrap_or_default();
    rows.into_iter()
        .map(|m| Entry { label: format!("{} · {}", m.name, m.cloud), kind: "Machine", href: format!("/machines/{}", m.id) })
        .collect()
}

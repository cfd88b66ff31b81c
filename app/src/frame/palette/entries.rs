//! What the palette finds: pages, actions, and everything that has a name. Pure but for [`read`] and [`machines`].

use crate::{
    api,
    frame::{WAYS, theme},
    state::escape,
};
use model::{Page, cloud::Cloud, machine::MachineRow, overview::Overview, plan::Plan, protection::Group, run::Run};

/// What pressing an entry does.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Go(String),
    Theme(&'static str),
    Password,
    SignOut,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub label: String,
    pub kind: &'static str,
    pub act: Act,
}

fn entry(label: impl Into<String>, kind: &'static str, href: String) -> Entry {
    Entry { label: label.into(), kind, act: Act::Go(href) }
}

/// Everything with a name but machines, which are searched at the node. Read once each time that the palette opens.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub sites: Vec<String>,
    pub clouds: Vec<Cloud>,
    pub groups: Vec<Group>,
    pub plans: Vec<Plan>,
    pub runs: Vec<Run>,
}

/// What cannot be read is not found: the palette still goes to the pages.
pub async fn read() -> Known {
    async fn list<T: serde::de::DeserializeOwned>(path: &str) -> Vec<T> {
        api::get::<Page<T>>(path).await.map(|p| p.items).unwrap_or_default()
    }
    let sites = api::get::<Overview>("/overview").await.map(|o| o.sites.into_iter().map(|s| s.name).collect()).unwrap_or_default();
    Known {
        sites,
        clouds: list("/clouds?limit=500").await,
        groups: list("/groups?limit=500").await,
        plans: list("/plans?limit=500").await,
        runs: list("/runs?limit=100").await,
    }
}

/// Of one noun so many at most: the next letter narrows.
const EACH: usize = 6;
/// With "move" or "protect" in front of it a machine is asked for, so few are enough.
const MACHINES: usize = 8;

/// What fits the words, all of which must be in the label. Without words only the pages.
pub fn fitting(known: &Known, words: &str) -> Vec<Entry> {
    let fits = |e: &Entry| words.split_whitespace().all(|w| e.label.to_lowercase().contains(w));
    let mut found: Vec<Entry> = pages().into_iter().filter(fits).collect();
    if words.is_empty() {
        return found;
    }
    let nouns: [Vec<Entry>; 6] = [
        actions(),
        known.sites.iter().flat_map(|s| of_site(s)).collect(),
        known.clouds.iter().map(|c| entry(format!("{} at {}", c.name, c.site), "Cloud", format!("/clouds/{}", c.id))).collect(),
        known.groups.iter().map(|g| entry(g.name.as_str(), "Protection group", format!("/protection/{}", g.id))).collect(),
        known.plans.iter().map(|p| entry(p.spec.name.as_str(), "Plan", format!("/plans/{}", p.id))).collect(),
        known.runs.iter().map(|r| entry(r.title.as_str(), "Run", format!("/runs/{}", r.id))).collect(),
    ];
    for noun in nouns {
        found.extend(noun.into_iter().filter(fits).take(EACH));
    }
    found
}

fn pages() -> Vec<Entry> {
    let more = [("/clouds/add", "Add cloud"), ("/protection/new", "New protection group"), ("/plans/new", "New plan")];
    WAYS.iter().chain(&more).map(|(href, label)| entry(*label, "Page", (*href).into())).collect()
}

fn actions() -> Vec<Entry> {
    let theme = |(key, label): (&'static str, &'static str)| Entry {
        label: format!("Colour scheme (theme): {}", label.to_lowercase()),
        kind: "Action",
        act: Act::Theme(key),
    };
    let mut all: Vec<Entry> = theme::CHOICES.map(theme).into();
    all.push(Entry { label: "Change your password …".into(), kind: "Action", act: Act::Password });
    all.push(Entry { label: "Sign out".into(), kind: "Action", act: Act::SignOut });
    all
}

fn of_site(name: &str) -> [Entry; 2] {
    let site = escape(name);
    [
        entry(format!("Fail over {name} …"), "Action", format!("/?failover={site}")),
        entry(format!("Machines at {name}"), "Site", format!("/machines?q=site:{site}")),
    ]
}

/// The verb in front of a machine's name, and the name.
fn asked(words: &str) -> (Option<&'static str>, &str) {
    let verb = |v: &'static str| words.strip_prefix(v).and_then(|rest| rest.strip_prefix(' ')).map(|rest| (Some(v), rest.trim()));
    verb("move").or_else(|| verb("protect")).or_else(|| verb("recover")).unwrap_or((None, words))
}

/// A half-typed search is no error here: it finds nothing yet.
pub async fn machines(words: &str) -> Vec<Entry> {
    let (verb, name) = asked(words);
    if name.is_empty() {
        return vec![];
    }
    let path = format!("/machines?limit={MACHINES}&q={}", escape(name));
    let rows = api::get::<Page<MachineRow>>(&path).await.map(|p| p.items).unwrap_or_default();
    rows.iter().flat_map(|m| of_machine(m, verb, rows.len() <= 2)).collect()
}

/// What can be done with it is offered when it was asked for, or when there are few.
fn of_machine(m: &MachineRow, verb: Option<&'static str>, few: bool) -> Vec<Entry> {
    let place = format!("{} · {}", m.name, m.cloud);
    let page = entry(place.as_str(), "Machine", format!("/machines/{}", m.id));
    let action = |key: &str, words: String| entry(words, "Action", format!("/machines/{}?do={key}", m.id));
    let moving = || action("move", format!("Move {place} to cloud …"));
    let protecting = || action("protect", format!("Protect {place} …"));
    match verb {
        Some("move") => vec![moving()],
        Some("recover") => vec![action("recover", format!("Recover {place} elsewhere …"))],
        Some(_) => vec![protecting()],
        None if few => vec![page, moving(), protecting()],
        None => vec![page],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::machines::sample;

    fn labels(found: &[Entry]) -> Vec<&str> {
        found.iter().map(|e| e.label.as_str()).collect()
    }

    #[test]
    fn all_words_must_fit_and_nothing_typed_shows_the_pages() {
        let known = Known { sites: vec!["berlin".into()], clouds: vec![sample::cloud()], ..Known::default() };
        assert!(fitting(&known, "").iter().all(|e| e.kind == "Page"));
        assert_eq!(labels(&fitting(&known, "berlin")), ["Fail over berlin …", "Machines at berlin", "kvm at berlin"]);
        assert_eq!(labels(&fitting(&known, "over berl")), ["Fail over berlin …"]);
        assert_eq!(fitting(&known, "sign out")[0].act, Act::SignOut);
        assert_eq!(fitting(&known, "dark")[0].act, Act::Theme("dark"));
    }

    #[test]
    fn a_verb_in_front_of_a_machine_asks_for_the_action() {
        assert_eq!(asked("move db1"), (Some("move"), "db1"));
        assert_eq!(asked("protect  web*"), (Some("protect"), "web*"));
        assert_eq!(asked("movement"), (None, "movement"));
        assert_eq!(asked("recover db1"), (Some("recover"), "db1"));
        let row = sample::row("db1");
        assert_eq!(labels(&of_machine(&row, Some("move"), false)), ["Move db1 · kvm to cloud …"]);
        assert_eq!(of_machine(&row, None, true).len(), 3);
        assert_eq!(of_machine(&row, None, false).len(), 1);
    }
}

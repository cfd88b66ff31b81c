//! Runs a search over the rows in memory.

use super::{Expr, Pattern, Rpo, Term};
use crate::inventory::{
    rows::Context,
    table::{Entry, Table},
};
use memchr::memmem::Finder;
use model::{Millis, cloud::Cloud, protection::ReplicationState};
use std::net::IpAddr;

/// An expression made ready for many rows: what depends on the cloud alone is decided once for each cloud.
pub enum Matcher {
    All,
    And(Vec<Matcher>),
    Or(Vec<Matcher>),
    Not(Box<Matcher>),
    /// By the numbers of the clouds in the table.
    Clouds(Vec<bool>),
    Holds(Box<Finder<'static>>),
    Row(Term),
}

impl Matcher {
    pub fn new(expr: &Expr, context: &Context, table: &Table) -> Self {
        let all = |parts: &[Expr]| {
            let mut parts: Vec<_> = parts.iter().map(|p| Self::new(p, context, table)).collect();
            parts.sort_by_key(Self::cost);
            parts
        };
        match expr {
            Expr::All => Self::All,
            Expr::And(parts) => Self::And(all(parts)),
            Expr::Or(parts) => Self::Or(all(parts)),
            Expr::Not(inner) => Self::Not(Box::new(Self::new(inner, context, table))),
            Expr::Term(term) => Self::term(term, context, table),
        }
    }

    fn term(term: &Term, context: &Context, table: &Table) -> Self {
        if let Some(holds) = of_cloud(term) {
            let mut clouds = vec![];
            for number in context.clouds.values().filter(|c| holds(c)).filter_map(|c| table.cloud(&c.id)) {
                clouds.resize(clouds.len().max(number + 1), false);
                clouds[number] = true;
            }
            return Self::Clouds(clouds);
        }
        match term {
            Term::Text(pattern) if !pattern.has_star() => Self::Holds(Box::new(Finder::new(pattern.lower()).into_owned())),
            _ => Self::Row(term.clone()),
        }
    }

    /// What is quick to tell comes first; the order means nothing else.
    fn cost(&self) -> u8 {
        match self {
            Self::All | Self::Clouds(_) => 0,
            Self::Row(Term::State(_) | Term::Cpu(..) | Term::Mem(..) | Term::Disk(..)) => 1,
            Self::Holds(_) | Self::Row(_) => 2,
            Self::And(_) | Self::Or(_) | Self::Not(_) => 3,
        }
    }

    pub fn matches(&self, row: &Entry, context: &Context, now: Millis) -> bool {
        match self {
            Self::All => true,
            Self::And(parts) => parts.iter().all(|p| p.matches(row, context, now)),
            Self::Or(parts) => parts.iter().any(|p| p.matches(row, context, now)),
            Self::Not(inner) => !inner.matches(row, context, now),
            Self::Clouds(numbers) => numbers.get(row.cloud).copied().unwrap_or_default(),
            Self::Holds(text) => text.find(row.words.all().as_bytes()).is_some(),
            Self::Row(term) => row_matches(term, row, context, now),
        }
    }
}

type OfCloud<'a> = Box<dyn Fn(&Cloud) -> bool + 'a>;

fn of_cloud(term: &Term) -> Option<OfCloud<'_>> {
    Some(match term {
        Term::Site(p) => Box::new(|c| p.is(&c.site.to_lowercase())),
        Term::Cloud(p) => Box::new(|c| p.is(&c.name.to_lowercase()) || p.is(&c.id)),
        Term::Status(s) => Box::new(|c| c.status == *s),
        Term::Simulated(b) => Box::new(|c| c.simulated == *b),
        _ => return None,
    })
}

fn row_matches(term: &Term, row: &Entry, context: &Context, now: Millis) -> bool {
    let facts = &context.facts;
    match term {
        Term::Text(p) => p.is_in(row.words.name()) || row.words.addresses().chain(row.words.tags()).any(|word| p.is_in(word)),
        Term::Name(p) => p.is_in(row.words.name()),
        Term::Tag(p) => row.words.tags().any(|word| tag(p, word)),
        Term::Ip(p) => row.words.addresses().any(|word| address(p, word)),
        Term::Group(p) => facts.members.get(&row.id).is_some_and(|m| p.is(&m.group.to_lowercase())),
        Term::State(s) => row.state == *s,
        Term::Role(r) => facts.copies.get(&row.id).is_some_and(|c| c.role == *r),
        Term::Protected(b) => facts.members.contains_key(&row.id) == *b,
        Term::Split(b) => context.split.contains(&row.id) == *b,
        Term::Rpo(rpo) => facts.members.get(&row.id).is_some_and(|m| {
            let late = m.newest_point_at.and_then(|t| model::age(t, now)).is_none_or(|ms| ms > i64::from(m.rpo_seconds) * 1000);
            (late && m.state != ReplicationState::Recovered) == (*rpo == Rpo::Breach)
        }),
        Term::Cpu(c, n) => c.holds(row.vcpus.into(), *n),
        Term::Mem(c, mib) => c.holds(row.memory_mib, *mib),
        Term::Disk(c, bytes) => c.holds(row.disk_bytes, *bytes),
        // Decided for each cloud.
        Term::Site(_) | Term::Cloud(_) | Term::Status(_) | Term::Simulated(_) => false,
    }
}

/// The whole tag, or its key.
fn tag(pattern: &Pattern, tag: &str) -> bool {
    pattern.is(tag) || tag.split_once('=').is_some_and(|(key, _)| pattern.is(key))
}

/// A whole address is that one only: 10.0.0.1 is not 10.0.0.10. A part is how it begins.
fn address(pattern: &Pattern, address: &str) -> bool {
    let whole = !pattern.has_star() && pattern.text().parse::<IpAddr>().is_ok();
    if whole { pattern.is(address) } else { pattern.begins(address) }
}

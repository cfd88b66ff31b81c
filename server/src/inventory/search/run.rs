//! Runs a search over the rows in memory.

use super::{Expr, Pattern, Rpo, Term};
use crate::inventory::{rows::Context, table::Row};
use model::{Millis, cloud::Cloud, protection::ReplicationState};
use std::{borrow::Cow, collections::HashSet, net::IpAddr};

/// An expression made ready for many rows: what depends on the cloud alone is decided once for each cloud.
pub enum Matcher {
    All,
    And(Vec<Matcher>),
    Or(Vec<Matcher>),
    Not(Box<Matcher>),
    Clouds(HashSet<String>),
    Row(Term),
}

impl Matcher {
    pub fn new(expr: &Expr, context: &Context) -> Self {
        let all = |parts: &[Expr]| parts.iter().map(|p| Self::new(p, context)).collect();
        match expr {
            Expr::All => Self::All,
            Expr::And(parts) => Self::And(all(parts)),
            Expr::Or(parts) => Self::Or(all(parts)),
            Expr::Not(inner) => Self::Not(Box::new(Self::new(inner, context))),
            Expr::Term(term) => match of_cloud(term) {
                Some(holds) => Self::Clouds(context.clouds.values().filter(|c| holds(c)).map(|c| c.id.clone()).collect()),
                None => Self::Row(term.clone()),
            },
        }
    }

    pub fn matches(&self, row: &Row, context: &Context, now: Millis) -> bool {
        match self {
            Self::All => true,
            Self::And(parts) => parts.iter().all(|p| p.matches(row, context, now)),
            Self::Or(parts) => parts.iter().any(|p| p.matches(row, context, now)),
            Self::Not(inner) => !inner.matches(row, context, now),
            Self::Clouds(ids) => ids.contains(&*row.cloud_id),
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

fn row_matches(term: &Term, row: &Row, context: &Context, now: Millis) -> bool {
    let facts = &context.facts;
    match term {
        Term::Text(p) => p.is_in(&row.key) || row.addresses.iter().any(|a| p.is_in(a)) || row.tags.iter().any(|t| p.is_in(&lower(t))),
        Term::Name(p) => p.is_in(&row.key),
        Term::Tag(p) => row.tags.iter().any(|t| tag(p, &lower(t))),
        Term::Ip(p) => row.addresses.iter().any(|a| address(p, a)),
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

/// Tags are small letters almost always: no copy for each of 50,000 rows.
fn lower(text: &str) -> Cow<'_, str> {
    let is_lower = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(text) } else { Cow::Owned(text.to_lowercase()) }
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

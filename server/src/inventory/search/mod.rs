//! The search language of the Machines page: `site:berlin state:running cpu>=4 mem>8G name:web* -tag:test`.
//!
//! Words narrow (AND); `OR`, parentheses, quotes and a leading `-` do what one expects. A word without a field is
//! looked for in names, addresses and tags. What cannot be understood is an error that points at its place.

mod fields;
mod lexer;
mod parser;
mod pattern;
mod run;
#[cfg(test)]
mod tests;

pub use parser::parse;
pub use pattern::Pattern;
pub use run::Matcher;

use model::{
    cloud::CloudStatus,
    machine::{CopyRole, PowerState},
};
use std::fmt;

#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// Everything: an empty search.
    All,
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Term(Term),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// In the name, an address or a tag.
    Text(Pattern),
    Name(Pattern),
    Site(Pattern),
    Cloud(Pattern),
    Tag(Pattern),
    Ip(Pattern),
    Group(Pattern),
    State(PowerState),
    Status(CloudStatus),
    Role(CopyRole),
    Protected(bool),
    Simulated(bool),
    Split(bool),
    Rpo(Rpo),
    Cpu(Compare, u64),
    /// MiB.
    Mem(Compare, u64),
    /// Bytes.
    Disk(Compare, u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rpo {
    Breach,
    Ok,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Compare {
    pub fn holds(self, a: u64, b: u64) -> bool {
        match self {
            Self::Less => a < b,
            Self::AtMost => a <= b,
            Self::Equal => a == b,
            Self::AtLeast => a >= b,
            Self::More => a > b,
        }
    }
}

/// What is wrong, where (characters from 0, end excluded), and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SearchError {
    pub message: String,
    pub span: (u32, u32),
}

impl fmt::Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Equal => ":",
            Self::AtLeast => ">=",
            Self::More => ">",
        })
    }
}

/// In one form that parses to the same.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::Term(term) => term.fmt(f),
            Self::Not(inner) => write!(f, "-{}", Nested(inner)),
            Self::And(parts) => joined(f, parts, " "),
            Self::Or(parts) => joined(f, parts, " OR "),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Expr], by: &str) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        let by = if i == 0 { "" } else { by };
        write!(f, "{by}{}", Nested(part))?;
    }
    Ok(())
}

struct Nested<'a>(&'a Expr);

impl fmt::Display for Nested<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expr::And(_) | Expr::Or(_) | Expr::All => write!(f, "({})", self.0),
            other => other.fmt(f),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yes = |b: &bool| if *b { "yes" } else { "no" };
        match self {
            Self::Text(p) => write!(f, "{p}"),
            Self::Name(p) => write!(f, "name:{p}"),
            Self::Site(p) => write!(f, "site:{p}"),
            Self::Cloud(p) => write!(f, "cloud:{p}"),
            Self::Tag(p) => write!(f, "tag:{p}"),
            Self::Ip(p) => write!(f, "ip:{p}"),
            Self::Group(p) => write!(f, "group:{p}"),
            Self::State(s) => write!(f, "state:{}", s.as_str()),
            Self::Status(s) => write!(f, "status:{}", fields::status_name(*s)),
            Self::Role(r) => write!(f, "role:{}", r.as_str()),
            Self::Protected(b) => write!(f, "protected:{}", yes(b)),
            Self::Simulated(b) => write!(f, "simulated:{}", yes(b)),
            Self::Split(b) => write!(f, "split:{}", yes(b)),
            Self::Rpo(Rpo::Breach) => f.write_str("rpo:breach"),
            Self::Rpo(Rpo::Ok) => f.write_str("rpo:ok"),
            Self::Cpu(c, n) => write!(f, "cpu{c}{n}"),
            Self::Mem(c, mib) => write!(f, "mem{c}{mib}M"),
            Self::Disk(c, bytes) => write!(f, "disk{c}{bytes}B"),
        }
    }
}

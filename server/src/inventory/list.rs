//! Pages of the machine list: filtered, sorted, by cursor or by offset, out of memory.

use super::{
    rows::Context,
    search::{self, Expr, Matcher},
    table::{Entry, Table},
};
use crate::{
    error::{Code, Error, Result},
    state::{Node, now},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{Page, error::FieldError, machine::MachineRow};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, cmp::Ordering};

#[derive(Clone, Debug, Default)]
pub struct Request {
    pub q: String,
    pub sort: String,
    pub limit: usize,
    pub from: From,
}

#[derive(Clone, Debug, Default)]
pub enum From {
    #[default]
    Start,
    /// So many rows in, for a table that scrolls anywhere.
    Offset(usize),
    /// After the row that an earlier page ended with; nothing is shown twice when rows come and go meanwhile.
    After(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum By {
    Name,
    Site,
    Cloud,
    State,
    Vcpus,
    Memory,
    Disk,
    Observed,
}

const KEYS: [(&str, By); 8] = [
    ("name", By::Name),
    ("site", By::Site),
    ("cloud", By::Cloud),
    ("state", By::State),
    ("vcpus", By::Vcpus),
    ("memory", By::Memory),
    ("disk", By::Disk),
    ("observed", By::Observed),
];

/// What a row is sorted by; the name and the id decide among equals.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Key<'a> {
    Number(i64),
    Text(Cow<'a, str>),
    Name,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    sort: String,
    key: Key<'static>,
    name: String,
    id: String,
}

pub fn page(node: &Node, request: &Request) -> Result<Page<MachineRow>> {
    let expr = search::parse(&request.q).map_err(|e| not_understood(&e))?;
    let (by, descending) = sort(&request.sort)?;
    let after = match &request.from {
        From::After(cursor) => Some(read_cursor(cursor, &request.sort)?),
        _ => None,
    };
    let context = Context::of(node);
    let table = node.inventory.table();
    let found = matching(&table, &expr, &context);
    let total = found.len();
    let (rows, more) = if by == By::Name {
        window_by_name(found, after.as_ref(), request, descending)
    } else {
        let keyed = found.into_iter().enumerate().map(|(at, row)| (key(by, row, &context), at, row)).collect();
        window(keyed, after.as_ref(), request, descending)
    };
    let next = rows.last().filter(|_| more).map(|row| write_cursor(&request.sort, by, row, &context));
    Ok(Page { items: rows.iter().map(|r| context.row(r)).collect(), next, total: Some(total as u64) })
}

/// In the order of names.
fn matching<'t>(table: &'t Table, expr: &Expr, context: &Context) -> Vec<&'t Entry> {
    let (matcher, now) = (Matcher::new(expr, context, table), now());
    table.rows().iter().filter(|r| matcher.matches(r, context, now)).collect()
}

/// Sort key, place in the order of names, row.
type Keyed<'a> = (Key<'a>, usize, &'a Entry);

fn direction(order: Ordering, descending: bool) -> Ordering {
    if descending { order.reverse() } else { order }
}

/// Already in order: no sorting at all.
fn window_by_name<'t>(mut found: Vec<&'t Entry>, after: Option<&Cursor>, request: &Request, descending: bool) -> (Vec<&'t Entry>, bool) {
    if descending {
        found.reverse();
    }
    let start = match (&request.from, after) {
        (From::Offset(n), _) => *n,
        (_, Some(c)) => {
            let passed = |r: &&Entry| direction((r.words.name(), r.id.as_str()).cmp(&(c.name.as_str(), c.id.as_str())), descending).is_le();
            found.partition_point(passed)
        }
        _ => 0,
    };
    let rows: Vec<_> = found.iter().skip(start).take(request.limit).copied().collect();
    let more = start.saturating_add(rows.len()) < found.len();
    (rows, more)
}

/// Only the rows up to the end of the window are put in order.
fn window<'t>(mut all: Vec<Keyed<'t>>, after: Option<&Cursor>, request: &Request, descending: bool) -> (Vec<&'t Entry>, bool) {
    let compare = |a: &Keyed, b: &Keyed| direction((&a.0, a.1).cmp(&(&b.0, b.1)), descending);
    if let Some(c) = after {
        let end = (&c.key, c.name.as_str(), c.id.as_str());
        all.retain(|(key, _, row)| direction((key, row.words.name(), row.id.as_str()).cmp(&end), descending).is_gt());
    }
    let start = if let From::Offset(n) = request.from { n.min(all.len()) } else { 0 };
    let end = start.saturating_add(request.limit).min(all.len());
    let more = end < all.len();
    if more && end > 0 {
        all.select_nth_unstable_by(end - 1, compare);
        all.truncate(end);
    }
    all.sort_unstable_by(compare);
    (all.into_iter().skip(start).map(|(.., row)| row).collect(), more)
}

fn key<'a>(by: By, row: &Entry, context: &'a Context) -> Key<'a> {
    let cloud = || context.clouds.get(&*row.row.cloud_id);
    let number = |n: u64| Key::Number(n.cast_signed());
    match by {
        By::Name => Key::Name,
        By::Site => Key::Text(cloud().map_or("", |c| &c.site).into()),
        By::Cloud => Key::Text(cloud().map_or("", |c| &c.name).into()),
        By::State => Key::Text(row.state.as_str().into()),
        By::Vcpus => number(row.vcpus.into()),
        By::Memory => number(row.memory_mib),
        By::Disk => number(row.disk_bytes),
        By::Observed => Key::Number(cloud().and_then(|c| c.observed_at).unwrap_or(0).max(row.seen_at)),
    }
}

fn sort(text: &str) -> Result<(By, bool)> {
    let (descending, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
    let name = if name.is_empty() { "name" } else { name };
    let known = || KEYS.map(|(name, _)| name).join(", ");
    let wrong =
        || Error::invalid("sort", format!("'{name}' cannot be sorted by: use {}, with - in front for the other way round.", known()));
    KEYS.iter().find(|(k, _)| *k == name).map(|(_, by)| (*by, descending)).ok_or_else(wrong)
}

fn not_understood(e: &search::SearchError) -> Error {
    let field = FieldError { field: "q".into(), message: e.message.clone(), span: Some(e.span) };
    Error { fields: vec![field], ..Error::new(Code::Invalid, e.message.clone()) }
}

fn write_cursor(sort: &str, by: By, row: &Entry, context: &Context) -> String {
    let key = match key(by, row, context) {
        Key::Text(text) => Key::Text(text.into_owned().into()),
        Key::Number(number) => Key::Number(number),
        Key::Name => Key::Name,
    };
    let cursor = Cursor { sort: sort.into(), key, name: row.words.name().to_owned(), id: row.id.clone() };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap_or_default())
}

fn read_cursor(text: &str, sort: &str) -> Result<Cursor> {
    let wrong = || Error::invalid("cursor", "The cursor is not one of this list: start again without it.");
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
    let cursor: Cursor = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    if cursor.sort == sort { Ok(cursor) } else { Err(wrong()) }
}

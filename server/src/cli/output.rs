//! What the command line prints: JSON as the API has it, or tidy columns.

use super::client::{Failure, Result};
use model::{
    Millis, Problem, Severity,
    access::AuditEvent,
    finding::{Finding, grouped},
};
use serde::Serialize;
use std::io::{IsTerminal, Write};

#[derive(Clone, Copy)]
pub struct Out {
    pub json: bool,
}

impl Out {
    /// `text` is only made when no JSON was asked for.
    pub fn show<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) -> Result<()> {
        let text = if self.json { serde_json::to_string_pretty(value).map_err(|e| Failure::Other(e.into()))? } else { text(value) };
        line(&text);
        Ok(())
    }

    /// For people only: a program that asked for JSON gets nothing else.
    pub fn say(self, text: impl AsRef<str>) {
        if !self.json {
            line(text.as_ref());
        }
    }
}

/// A closed pipe (`| head`) is no error.
fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
}

pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new<const N: usize>(head: [&str; N]) -> Self {
        Self { rows: vec![head.map(str::to_uppercase).to_vec()] }
    }
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }
    pub fn text(&self) -> String {
        if self.rows.len() == 1 {
            return "(none)".into();
        }
        let columns = self.rows[0].len();
        let width = |c: usize| self.rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, w)| format!("{cell:<w$}")).collect();
            cells.join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

pub fn table<'a, T: 'a, const N: usize>(
    head: [&str; N],
    items: impl IntoIterator<Item = &'a T>,
    row: impl Fn(&T) -> [String; N],
) -> String {
    let mut table = Table::new(head);
    items.into_iter().for_each(|item| table.row(row(item)));
    table.text()
}

pub fn problems(list: &[Problem]) -> String {
    let mark = |s: Severity| match s {
        Severity::Critical => "STOP",
        Severity::Warning => "warn",
        Severity::Info => "info",
    };
    let one = |f: &Finding| format!("  {}  {}: {} {}", mark(f.severity), f.subjects.join(", "), f.what, f.remedy);
    grouped(list).iter().map(one).collect::<Vec<_>>().join("\n")
}

/// Of the audit trail.
pub fn events(all: &[AuditEvent]) -> String {
    table(["when", "who", "what", "subject", "went", "detail"], all, |e| {
        let went = if e.ok { "well" } else { "wrong" };
        [time(e.at), e.actor.clone(), e.action.clone(), e.subject.clone(), went.into(), e.detail.clone()]
    })
}

/// UTC, to the second.
pub fn time(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map(|t| t.strftime("%Y-%m-%d %H:%M:%SZ").to_string()).unwrap_or_default()
}

pub fn age(since: Option<Millis>, now: Millis) -> String {
    since.map_or_else(|| "never".into(), |t| model::age(t, now).map_or_else(|| "unknown".into(), span))
}

pub fn span(ms: i64) -> String {
    let s = ms / 1000;
    match s {
        0..=119 => format!("{s} s"),
        120..=7199 => format!("{} min", s / 60),
        7200..=172_799 => format!("{} h", s / 3600),
        _ => format!("{} d", s / 86400),
    }
}

pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let power = (0..UNITS.len() - 1).take_while(|p| n >> (10 * (p + 1)) > 0).count();
    format!("{:.1} {}", n as f64 / 1024_f64.powi(power as i32), UNITS[power])
}

/// A word of the API as people write it.
pub fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(|s| s.replace('_', " "))).unwrap_or_default()
}

/// Asks at the terminal; without one there is nobody to ask.
pub fn ask(question: &str, otherwise: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::input(otherwise));
    }
    eprint!("{question} ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|e| Failure::Other(e.into()))?;
    Ok(answer.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let text = table(["name", "n"], &["é", "long"], |s| [(*s).to_owned(), "1".into()]);
        assert_eq!(text, "NAME  N\né     1\nlong  1");
    }

    #[test]
    fn what_several_machines_have_in_common_is_one_line() {
        let slow = |name: &str| Problem::new(Severity::Warning, name, "It is slow.", "Wait.");
        assert_eq!(problems(&[slow("db1"), slow("db2")]), "  warn  db1, db2: It is slow. Wait.");
    }

    #[test]
    fn sizes_and_spans_are_short() {
        assert_eq!((bytes(0).as_str(), bytes(1536).as_str(), bytes(3 << 40).as_str()), ("0.0 B", "1.5 KiB", "3.0 TiB"));
        assert_eq!((span(1999).as_str(), span(120_000).as_str(), span(7_200_000).as_str()), ("1 s", "2 min", "2 h"));
    }
}

//! The fields of the language: what each takes, and what to say when it is something else.

use super::{
    Compare, Pattern, Rpo, SearchError, Term,
    lexer::{Span, Word},
};
use model::{
    cloud::CloudStatus,
    machine::{CopyRole, PowerState},
};

pub const FIELDS: [&str; 16] = [
    "name",
    "site",
    "cloud",
    "state",
    "tag",
    "ip",
    "cpu",
    "mem",
    "disk",
    "protected",
    "rpo",
    "role",
    "group",
    "status",
    "simulated",
    "split",
];

const STATUSES: [(&str, CloudStatus); 5] = [
    ("connecting", CloudStatus::Connecting),
    ("ok", CloudStatus::Ok),
    ("stale", CloudStatus::Stale),
    ("unreachable", CloudStatus::Unreachable),
    ("refused", CloudStatus::Refused),
];

pub fn status_name(status: CloudStatus) -> &'static str {
    STATUSES.iter().find(|(_, s)| *s == status).map_or("", |(name, _)| name)
}

fn wrong(span: Span, message: impl Into<String>) -> SearchError {
    SearchError { message: message.into(), span }
}

pub fn term(word: &Word) -> Result<Term, SearchError> {
    let Some((field, field_span)) = &word.field else { return Ok(Term::Text(Pattern::new(&word.value))) };
    if word.value.is_empty() {
        return Err(wrong(word.value_span_or(*field_span), format!("{field}: needs a value, like {}.", example(field))));
    }
    match field.as_str() {
        "cpu" | "cpus" | "vcpu" | "vcpus" => Ok(Term::Cpu(compare(word), count(word)?)),
        "mem" | "memory" => Ok(Term::Mem(compare(word), size(word, "mem>8G")? >> 20)),
        "disk" => Ok(Term::Disk(compare(word), size(word, "disk>100G")?)),
        field => {
            if !matches!(word.sign.as_str(), ":" | "=") {
                let message = format!("{field} cannot be compared with {}: write {}.", word.sign, example(field));
                return Err(wrong(*field_span, message));
            }
            plain(field, *field_span, word)
        }
    }
}

fn plain(field: &str, field_span: Span, word: &Word) -> Result<Term, SearchError> {
    let pattern = || Pattern::new(&word.value);
    Ok(match field {
        "name" => Term::Name(pattern()),
        "site" => Term::Site(pattern()),
        "cloud" => Term::Cloud(pattern()),
        "tag" => Term::Tag(pattern()),
        "ip" | "address" => Term::Ip(pattern()),
        "group" => Term::Group(pattern()),
        "state" => Term::State(one_of(word, &PowerState::ALL.map(|s| (s.as_str(), s)))?),
        "status" => Term::Status(one_of(word, &STATUSES)?),
        "role" => Term::Role(one_of(word, &[CopyRole::Active, CopyRole::Incoming, CopyRole::Superseded].map(|r| (r.as_str(), r)))?),
        "protected" => Term::Protected(yes(word)?),
        "simulated" => Term::Simulated(yes(word)?),
        "split" => Term::Split(yes(word)?),
        "rpo" => Term::Rpo(one_of(word, &[("breach", Rpo::Breach), ("ok", Rpo::Ok)])?),
        other => return Err(unknown(other, field_span)),
    })
}

fn unknown(field: &str, span: Span) -> SearchError {
    let near = nearest(field, FIELDS.into_iter());
    let hint = near.map_or_else(|| format!("There are {}.", FIELDS.join(", ")), |n| format!("Did you mean {n}?"));
    wrong(span, format!("There is no field '{field}'. {hint} To search for the text itself, put it in quotes."))
}

fn one_of<T: Copy>(word: &Word, known: &[(&str, T)]) -> Result<T, SearchError> {
    let value = word.value.to_lowercase();
    if let Some((_, found)) = known.iter().find(|(name, _)| *name == value) {
        return Ok(*found);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let hint = nearest(&value, names.iter().copied()).map_or(String::new(), |n| format!(" Did you mean {n}?"));
    Err(wrong(word.value_span, format!("'{}' is none of {}.{hint}", word.value, names.join(", "))))
}

fn yes(word: &Word) -> Result<bool, SearchError> {
    one_of(word, &[("yes", true), ("no", false), ("true", true), ("false", false)])
}

fn compare(word: &Word) -> Compare {
    match word.sign.as_str() {
        "<" => Compare::Less,
        "<=" => Compare::AtMost,
        ">=" => Compare::AtLeast,
        ">" => Compare::More,
        _ => Compare::Equal,
    }
}

fn count(word: &Word) -> Result<u64, SearchError> {
    word.value.parse().map_err(|_| wrong(word.value_span, format!("'{}' is not a number: write cpu>=4.", word.value)))
}

/// Bytes. A unit is asked for: 8 alone could mean anything.
fn size(word: &Word, example: &str) -> Result<u64, SearchError> {
    let text = word.value.to_lowercase();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| wrong(word.value_span, format!("'{}' is not a size: write {example}.", word.value)))?;
    let shift = match unit {
        "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        "" => return Err(wrong(word.value_span, format!("'{}' needs a unit, K, M, G or T: write {example}.", word.value))),
        other => return Err(wrong(word.value_span, format!("There is no unit '{other}': use K, M, G or T, as in {example}."))),
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates: more than any machine has
    Ok((number * (1u64 << shift) as f64).round() as u64)
}

fn example(field: &str) -> &'static str {
    match field {
        "state" => "state:running",
        "site" => "site:berlin",
        "cpu" => "cpu>=4",
        "mem" | "memory" => "mem>8G",
        "disk" => "disk>100G",
        "tag" => "tag:prod",
        "ip" => "ip:10.0.",
        "role" => "role:superseded",
        "protected" => "protected:no",
        "rpo" => "rpo:breach",
        _ => "name:web*",
    }
}

impl Word {
    /// An empty value has no place of its own: then the field is pointed at.
    fn value_span_or(&self, field: Span) -> Span {
        if self.value_span.0 == self.value_span.1 { (field.0, self.value_span.1) } else { self.value_span }
    }
}

/// The most alike, when it is alike at all.
fn nearest<'a>(to: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    among.map(|name| (distance(to, name), name)).filter(|(d, name)| *d <= 2 && *d < name.len()).min().map(|(_, name)| name)
}

/// Levenshtein's.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, cb) in b.iter().enumerate() {
            let cost = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

//! Text with `*` for anything, compared without regard to case.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    /// In lower case, cut at the stars; one part: no star.
    parts: Vec<String>,
}

impl Pattern {
    pub fn new(text: &str) -> Self {
        Self { text: text.into(), parts: text.to_lowercase().split('*').map(str::to_owned).collect() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// In small letters, of a pattern without a star.
    pub fn lower(&self) -> &str {
        &self.parts[0]
    }

    pub fn has_star(&self) -> bool {
        self.parts.len() > 1
    }

    /// All of `lower`, which is in lower case already.
    pub fn is(&self, lower: &str) -> bool {
        let [first, middle @ .., last] = &self.parts[..] else { return self.parts[0] == lower };
        let Some(rest) = lower.strip_prefix(first.as_str()) else { return false };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
        for part in middle {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        true
    }

    /// With a star: all of it; without: anywhere in it.
    pub fn is_in(&self, lower: &str) -> bool {
        if self.has_star() { self.is(lower) } else { lower.contains(self.parts[0].as_str()) }
    }

    /// With a star: all of it; without: how it begins.
    pub fn begins(&self, lower: &str) -> bool {
        if self.has_star() { self.is(lower) } else { lower.starts_with(self.parts[0].as_str()) }
    }
}

/// In quotes where it would otherwise be read as something else.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '*' | '/');
        let first_is_plain = self.text.chars().next().is_some_and(plain);
        let rest_is_plain = self.text.chars().all(|c| plain(c) || c == '-');
        if first_is_plain && rest_is_plain && self.text != "OR" {
            f.write_str(&self.text)
        } else {
            write!(f, "\"{}\"", self.text.replace('\\', "\\\\").replace('"', "\\\""))
        }
    }
}

//! As much of YAML as `clouds.yaml` has: maps in maps by indentation, plain and quoted values. Pure.
//!
//! What it does not know (anchors, flow maps, folded text) is refused, not guessed.

use std::collections::BTreeMap;

/// Every value by its path: `clouds.prod.auth.username`.
///
/// # Errors
/// What cannot be read, with its line.
pub fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut out = BTreeMap::new();
    // The keys above, each with its indentation.
    let mut above: Vec<(usize, String)> = vec![];
    let mut list_at: Option<usize> = None;
    for (number, line) in text.lines().enumerate() {
        let content = line.trim_start();
        if content.is_empty() || content.starts_with('#') || content.starts_with("---") {
            continue;
        }
        let indent = line.len() - content.len();
        if line[..indent].contains('\t') {
            return Err(format!("line {}: indented by tabs", number + 1));
        }
        // Lists (regions, profiles) hold nothing that is needed.
        if content.starts_with("- ") || content == "-" {
            list_at = Some(indent);
            continue;
        }
        if list_at.is_some_and(|at| indent > at) {
            continue;
        }
        list_at = None;
        let bad = || format!("line {}: '{}' is not 'name: value'", number + 1, content);
        let (key, value) = split(content).ok_or_else(bad)?;
        while above.last().is_some_and(|(at, _)| *at >= indent) {
            above.pop();
        }
        let value = scalar(value).map_err(|why| format!("line {}: {why}", number + 1))?;
        let path = above.iter().map(|(_, key)| key.as_str()).chain([key.as_str()]).collect::<Vec<_>>().join(".");
        if value.is_empty() {
            above.push((indent, key));
        } else {
            out.insert(path, value);
        }
    }
    Ok(out)
}

fn split(line: &str) -> Option<(String, &str)> {
    let (key, rest) = line.split_once(':')?;
    let plain = rest.is_empty() || rest.starts_with(' ');
    plain.then(|| (key.trim().trim_matches(['"', '\'']).to_owned(), rest.trim()))
}

fn scalar(text: &str) -> Result<String, String> {
    let Some(first) = text.chars().next() else { return Ok(String::new()) };
    match first {
        '\'' => quoted(text, '\'').map(|inner| inner.replace("''", "'")),
        '"' => quoted(text, '"').map(|inner| inner.replace("\\\"", "\"").replace("\\\\", "\\")),
        '#' => Ok(String::new()),
        '{' | '[' | '&' | '*' | '!' | '|' | '>' => {
            Err(format!("'{first}' begins something that is not understood here: write a plain value"))
        }
        _ => Ok(text.split(" #").next().unwrap_or_default().trim().to_owned()),
    }
}

fn quoted(text: &str, quote: char) -> Result<String, String> {
    let inner = &text[1..];
    let end = inner.rfind(quote).ok_or("a quote is not closed")?;
    let rest = inner[end + 1..].trim();
    if rest.is_empty() || rest.starts_with('#') { Ok(inner[..end].to_owned()) } else { Err("something follows a closing quote".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_path() {
        let all = parse("# c\na:\n  b: 1 # x\n  c:\n    - r1\n    - name: r2\n      values: {}\n  d: 'it''s'\n\"e\": \"q\\\"\"\n").unwrap();
        let get = |key: &str| all.get(key).map(String::as_str);
        assert_eq!((get("a.b"), get("a.d"), get("e"), all.len()), (Some("1"), Some("it's"), Some("q\""), 3));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        for (text, line) in [("a: {b: c}", 1), ("a:\n  b: &x y", 2), ("a\n", 1), ("a: 'b", 1), ("a:\n\tb: c", 2), ("a: 'b' c", 1)] {
            assert!(parse(text).unwrap_err().starts_with(&format!("line {line}:")), "{text}");
        }
    }
}

//! The order that people expect of names with numbers in them: `berlin-2` before `berlin-10`.

use std::{cmp::Ordering, iter::Peekable, str::Chars};

/// Digits are compared as numbers, everything else letter by letter.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.chars().peekable(), b.chars().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            // `a1` and `a01` read alike; they must not be the same.
            (None, None) => return a.cmp(b),
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => number(&mut left).cmp(&number(&mut right)),
            _ => left.next().cmp(&right.next()),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The digits that stand there, without zeros in front: how many, and which. A number may be longer than any type.
fn number(chars: &mut Peekable<Chars>) -> (usize, String) {
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    let digits = digits.trim_start_matches('0').to_owned();
    (digits.len(), digits)
}

#[cfg(test)]
mod tests {
    use super::natural;

    #[test]
    fn numbers_in_names_count() {
        let mut names = ["db-10", "db-9", "db", "app-2b", "app-2a", "app-02", "db-123456789012345678901", "db-9x"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["app-02", "app-2a", "app-2b", "db", "db-9", "db-9x", "db-10", "db-123456789012345678901"]);
        assert_ne!(natural("a1", "a01"), std::cmp::Ordering::Equal);
    }
}

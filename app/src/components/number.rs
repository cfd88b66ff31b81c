//! A whole number as somebody types it. Pure.

use std::ops::RangeInclusive;

/// The number, or what is wrong with it. `what` is what is counted: "seconds", "days".
pub fn whole(text: &str, range: &RangeInclusive<u32>, what: &str) -> Result<u32, String> {
    let fits = text.trim().parse::<u32>().ok().filter(|n| range.contains(n));
    fits.ok_or_else(|| {
        format!("“{}” does not fit: a whole number of {what} from {} to {} is needed.", text.trim(), range.start(), range.end())
    })
}

/// As [`whole`], but nothing typed means that there is none.
pub fn optional(text: &str, range: &RangeInclusive<u32>, what: &str) -> Result<Option<u32>, String> {
    if text.trim().is_empty() { Ok(None) } else { whole(text, range, what).map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_of_the_range() {
        assert_eq!(whole(" 5 ", &(1..=10), "days"), Ok(5));
        for wrong in ["", "0", "11", "1.5", "-1", "x", "99999999999"] {
            assert!(whole(wrong, &(1..=10), "days").is_err_and(|e| e.contains("from 1 to 10")), "{wrong}");
        }
    }

    #[test]
    fn nothing_is_none_and_nonsense_is_no_none() {
        assert_eq!(optional(" ", &(1..=10), "days"), Ok(None));
        for wrong in ["1.5", "-5", "99999999999", "0"] {
            assert!(optional(wrong, &(1..=10), "days").is_err(), "{wrong}");
        }
    }
}

//! What drivers that speak HTTP share: who is at the other end, what it means when nobody answers, and how often they ask.

mod meter;
pub mod tls;

pub use meter::Meter;

use super::error::{Error, Kind};

/// The request never came to an answer. `changes`: it was to change something, so it may have happened.
pub fn unanswered(what: &str, changes: bool, error: &reqwest::Error) -> Error {
    // The innermost cause is the one that helps.
    let mut why = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        why = cause.to_string();
        next = cause.source();
    }
    if error.is_connect() && ["certificate", "Certificate", "UnknownIssuer"].iter().any(|word| why.contains(word)) {
        let message = format!(
            "The server's certificate was not accepted: {why}. Compare its fingerprint, or give the authority that signed it (ca)."
        );
        return Error::new(Kind::Identity, message);
    }
    let why = if error.is_connect() && why.contains("refused") { format!("{why}: nothing listens there") } else { why };
    broken(what, changes, !error.is_connect(), &why)
}

/// The connection, not the service. `sent`: the request may have reached it.
fn broken(what: &str, changes: bool, sent: bool, why: &str) -> Error {
    let kind = if changes && sent { Kind::Unknown } else { Kind::Transient };
    Error::new(kind, format!("{what}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_was_sent_and_not_answered_may_have_happened() {
        assert_eq!(broken("x", true, true, "reset").kind, Kind::Unknown);
        assert_eq!(broken("x", true, false, "refused").kind, Kind::Transient);
        assert_eq!(broken("x", false, true, "reset").kind, Kind::Transient);
    }
}

//! Passwords: argon2id on threads of their own, a policy, and one-time passwords.

use crate::error::{Error, Result};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// Each takes 19 MiB and some 20 ms of a core: a flood of sign-ins must not take the node's memory.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

const SHORTEST: usize = 12;
const LONGEST: usize = 256;

/// What everybody tries first; compared in lower case, without digits and signs at the end.
const COMMON: [&str; 10] =
    ["password", "crossfade", "administrator", "qwertyuiop", "letmein", "welcome", "changeme", "iloveyou", "abcdefghijkl", "admin"];

/// Compared against when there is no such user, so that the answer takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody has this password").unwrap_or_default());

/// # Errors
/// Too short, too long, or what everybody tries first.
pub fn check(field: &str, name: &str, password: &str) -> Result<()> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(Error::invalid(
            field,
            format!("The password has {length} characters: take at least {SHORTEST}, several words for example."),
        ));
    }
    if length > LONGEST {
        return Err(Error::invalid(field, format!("The password has more than {LONGEST} characters.")));
    }
    let lower = password.to_lowercase();
    let core = lower.trim_end_matches(|c: char| !c.is_alphabetic());
    let same = lower.chars().all(|c| lower.starts_with(c));
    if core.is_empty() || same || core == name.to_lowercase() || COMMON.contains(&core) {
        return Err(Error::invalid(field, "The password is easy to guess: take several words that do not belong together."));
    }
    Ok(())
}

pub async fn hash(password: &str) -> Result<String> {
    let password = password.to_owned();
    run(move || hash_now(&password)).await?
}

/// `hash` is `None` for a user that does not exist.
pub async fn verify(password: &str, hash: Option<String>) -> Result<bool> {
    let password = password.to_owned();
    run(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let fits = PasswordHash::new(&hash).is_ok_and(|h| Argon2::default().verify_password(password.as_bytes(), &h).is_ok());
        fits && known
    })
    .await
}

/// 79 bits in four groups, without letters that look alike.
pub fn one_time() -> String {
    const LETTERS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let letters: [u8; 16] = rand::random::<[u8; 16]>().map(|b| LETTERS[usize::from(b) % LETTERS.len()]);
    letters.chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
}

fn hash_now(password: &str) -> Result<String> {
    Argon2::default().hash_password(password.as_bytes()).map(|h| h.to_string()).map_err(Error::internal)
}

async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let _permit = AT_ONCE.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_refused_with_a_reason() {
        for weak in ["short", "password12345", "aaaaaaaaaaaaaaaa", "123456789012", "Administrator1!", "margarethe99"] {
            assert!(check("new", "margarethe", weak).is_err(), "{weak}");
        }
        assert!(check("new", "margarethe", "grey otter on stilts").is_ok());
        assert!(check("new", "admin", &one_time()).is_ok());
    }

    #[tokio::test]
    async fn only_the_right_password_fits() {
        let hash = hash("grey otter on stilts").await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify("grey otter on stilts", Some(hash.clone())).await.unwrap());
        assert!(!verify("grey otter on stilt", Some(hash)).await.unwrap());
        assert!(!verify("nobody has this password", None).await.unwrap());
    }
}

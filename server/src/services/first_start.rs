//! The first start: somebody must be able to sign in, and automation must be able to begin.

use super::{audit, caller::Caller, passwords, sessions, tokens};
use crate::{
    config::Config,
    state::{Node, new_id, now},
    store,
};
use anyhow::{Context, Result, bail};
use model::access::{Role, TokenPurpose};
use std::{
    fs,
    io::{IsTerminal, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

const FIRST_USER: &str = "admin";
const PASSWORD_FILE: &str = "initial-password";

/// # Errors
/// The store or the files do not work, with what to do.
pub async fn prepare(node: &Node, config: &Config) -> Result<()> {
    if !store::users::any(&node.db).await? {
        first_user(node, config).await?;
    }
    if let Some(path) = &config.bootstrap_token_file {
        bootstrap_token(node, path).await?;
    }
    Ok(())
}

async fn first_user(node: &Node, config: &Config) -> Result<()> {
    let password = passwords::one_time();
    let path = node.data_dir.join(PASSWORD_FILE);
    // Written down before the user exists: a crash in between must not lock everybody out.
    write_private(&path, &password)?;
    let user = store::users::StoredUser {
        id: new_id(),
        name: FIRST_USER.into(),
        role: Role::Administrator.as_str().into(),
        password: passwords::hash(&password).await?,
        must_change: 1,
        disabled: 0,
        created_at: now(),
        last_sign_in_at: None,
    };
    let event = audit::event(&itself(node), "user.add", FIRST_USER, "first start");
    let Some(seq) = store::users::insert(&node.db, &user, &event).await? else {
        return Ok(()); // another node was first
    };
    audit::show(node, event, seq);
    eprintln!("\n{}\n", welcome(&config.public_url, &password, &path, std::io::stderr().is_terminal()));
    Ok(())
}

/// A terminal is seen by whoever started the node; anything else ends in a journal or log that others read.
fn welcome(url: &str, password: &str, path: &Path, terminal: bool) -> String {
    let file = path.display();
    if terminal {
        return format!(
            "  First start. Sign in at {url}/ as  {FIRST_USER}  with the one-time password  {password}\n  (also in {file} until it is replaced)"
        );
    }
    format!("  First start. Sign in at {url}/ as  {FIRST_USER}  with the one-time password that stands in {file} until it is replaced.")
}

/// The file has done its work.
pub fn forget_initial_password(node: &Node, user: &str) {
    if user == FIRST_USER {
        let _ = fs::remove_file(node.data_dir.join(PASSWORD_FILE));
    }
}

async fn bootstrap_token(node: &Node, path: &Path) -> Result<()> {
    let secret = if path.exists() { read_token(path)? } else { format!("{}{}", tokens::prefix(TokenPurpose::Api), sessions::new_secret()) };
    let hash = sessions::hash(&secret);
    if let Some(known) = store::tokens::by_hash(&node.db, &hash).await? {
        if known.revoked_at.is_some() {
            tracing::warn!(path = %path.display(), "the bootstrap token was revoked: remove the file to get a new one");
        }
        return Ok(());
    }
    if !path.exists() {
        write_private(path, &secret)?;
    }
    let token = store::tokens::StoredToken {
        id: new_id(),
        name: "bootstrap".into(),
        purpose: "api".into(),
        role: Role::Administrator.as_str().into(),
        created_by: itself(node).name,
        created_at: now(),
        last_used_at: None,
        expires_at: None,
        revoked_at: None,
    };
    let event = audit::event(&itself(node), "token.create", "bootstrap", "from the bootstrap token file, role administrator");
    let seq = store::tokens::insert(&node.db, &token, &hash, &event).await?;
    audit::show(node, event, seq);
    Ok(())
}

fn read_token(path: &Path) -> Result<String> {
    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!("the bootstrap token file {} can be read by others (mode {mode:o}): run  chmod 600 {}", path.display(), path.display());
    }
    let text = fs::read_to_string(path)?;
    let secret = text.trim();
    if !secret.starts_with(tokens::prefix(TokenPurpose::Api)) || secret.len() < 40 {
        bail!("{} holds no API token (cfa_ and 43 characters): remove it, and a new one is made", path.display());
    }
    Ok(secret.to_owned())
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    let _ = fs::remove_file(path); // an old one may have another mode
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    writeln!(file, "{text}")?;
    Ok(file.sync_all()?)
}

fn itself(node: &Node) -> Caller {
    Caller { name: format!("node:{}", node.name), role: Role::Administrator, address: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_written_to_a_terminal_only() {
        let path = Path::new("/data/initial-password");
        assert!(welcome("http://h", "abcd-efgh", path, true).contains("abcd-efgh"));
        let logged = welcome("http://h", "abcd-efgh", path, false);
        assert!(!logged.contains("abcd-efgh") && logged.contains("/data/initial-password"));
    }
}

//! Sessions and tokens: from a secret that somebody shows to who that is.
//!
//! A secret is 256 random bits; the store has its SHA-256 only, so that a stolen copy of it opens nothing.

use super::{audit, caller::Caller, passwords, throttle::Throttle};
use crate::{
    error::{Code, Error, Result},
    state::{Node, now},
    store::{self, users::StoredUser},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{
    Millis,
    access::{Me, Role, SignIn},
};
use sha2::{Digest, Sha256};
use std::time::Duration;

const HOUR: Millis = 60 * 60 * 1000;
/// Not used for so long: over.
pub(super) const IDLE: Millis = 12 * HOUR;
const LONGEST: Millis = 7 * 24 * HOUR;
/// How exactly "last used" is known: not a write for each request.
const TOUCH: Millis = 60 * 1000;

/// Who makes this request, and how that is known.
#[derive(Clone, Debug)]
pub struct Identity {
    pub caller: Caller,
    pub proof: Proof,
}

#[derive(Clone, Debug)]
pub enum Proof {
    Session { id: String, user_id: String, csrf: String, must_change: bool },
    Token { id: String },
}

impl Identity {
    /// A session that was begun with a one-time password, which is not replaced yet.
    pub fn must_change_password(&self) -> bool {
        matches!(self.proof, Proof::Session { must_change: true, .. })
    }

    pub fn me(&self, node: &Node) -> Me {
        let (csrf, must_change_password) = match &self.proof {
            Proof::Session { csrf, must_change, .. } => (csrf.clone(), *must_change),
            Proof::Token { .. } => (String::new(), false),
        };
        Me {
            name: self.caller.name.clone(),
            role: self.caller.role,
            must_change_password,
            csrf,
            simulated: super::overview::any_simulated(node),
            node: node.name.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }
}

pub fn new_secret() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// SHA-256, hex.
pub fn hash(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

/// Answers the cookie's value and who that is.
///
/// # Errors
/// `Unauthenticated` without saying whether name or password is wrong; `Throttled` after too many tries.
pub async fn sign_in(node: &Node, throttle: &Throttle, given: &SignIn, address: Option<String>) -> Result<(String, Identity)> {
    let attempt = match throttle.begin(address.as_deref(), &given.name, now()) {
        Ok(attempt) => attempt,
        Err(refused) => {
            if refused.first {
                not_signed_in(node, &given.name, address, &refused.error.message).await;
            }
            return Err(refused.error);
        }
    };
    tokio::time::sleep(attempt.delay).await;
    let user = match verified(node, given).await {
        Ok(user) => user,
        Err(error) => {
            throttle.give_back(&attempt);
            return Err(error);
        }
    };
    let Some(user) = user else {
        not_signed_in(node, &given.name, address, "wrong name or password, or the user is disabled").await;
        return Err(Error::new(Code::Unauthenticated, "The name or the password is wrong."));
    };
    throttle.succeeded(&attempt, now());
    begin(node, user, address).await
}

/// Takes as long for a name that does not exist.
async fn verified(node: &Node, given: &SignIn) -> Result<Option<StoredUser>> {
    let user = store::users::by_name(&node.db, &given.name).await?;
    let fits = passwords::verify(&given.password, user.as_ref().map(|u| u.password.clone())).await?;
    Ok(user.filter(|u| fits && u.disabled == 0))
}

async fn not_signed_in(node: &Node, name: &str, address: Option<String>, why: &str) {
    let claimed = audit::name(name);
    let caller = Caller { name: claimed.clone(), role: Role::Viewer, address };
    audit::record(node, &caller, "sign_in", &claimed, false, why).await;
}

async fn begin(node: &Node, user: StoredUser, address: Option<String>) -> Result<(String, Identity)> {
    let (secret, csrf, at) = (new_secret(), new_secret(), now());
    let id = hash(&secret);
    store::sessions::insert(&node.db, &id, &user.id, &csrf, at, at + LONGEST).await?;
    store::users::signed_in(&node.db, &user.id, at).await?;
    let caller = Caller { role: role(&user.role), name: user.name, address };
    audit::record(node, &caller, "sign_in", &caller.name, true, "").await;
    let proof = Proof::Session { id, user_id: user.id, csrf, must_change: user.must_change != 0 };
    Ok((secret, Identity { caller, proof }))
}

/// `None`: no such session, or it is over.
pub async fn by_cookie(node: &Node, cookie: &str, address: Option<String>) -> Result<Option<Identity>> {
    let (id, at) = (hash(cookie), now());
    let Some(s) = store::sessions::get(&node.db, &id, at, at - IDLE).await? else { return Ok(None) };
    if at - s.used_at > TOUCH {
        store::sessions::touch(&node.db, &id, at).await?;
    }
    let caller = Caller { role: role(&s.role), name: s.name, address };
    Ok(Some(Identity { caller, proof: Proof::Session { id, user_id: s.user_id, csrf: s.csrf, must_change: s.must_change != 0 } }))
}

/// An API token. `None`: unknown, expired, revoked, or for a wallboard only.
pub async fn by_token(node: &Node, secret: &str, address: Option<String>) -> Result<Option<Identity>> {
    let Some(t) = usable_token(node, secret, "api").await? else { return Ok(None) };
    let caller = Caller { name: format!("token:{}", t.name), role: role(&t.role), address };
    Ok(Some(Identity { caller, proof: Proof::Token { id: t.id } }))
}

/// May this secret look at the wallboard?
pub async fn opens_wallboard(node: &Node, secret: &str) -> Result<bool> {
    Ok(usable_token(node, secret, "wallboard").await?.is_some())
}

async fn usable_token(node: &Node, secret: &str, purpose: &str) -> Result<Option<store::tokens::StoredToken>> {
    let at = now();
    let token = store::tokens::by_hash(&node.db, &hash(secret)).await?;
    let token = token.filter(|t| t.purpose == purpose && t.revoked_at.is_none() && t.expires_at.is_none_or(|e| e > at));
    if let Some(t) = token.as_ref().filter(|t| t.last_used_at.is_none_or(|u| at - u > TOUCH)) {
        store::tokens::used(&node.db, &t.id, at).await?;
    }
    Ok(token)
}

/// Does what this identity came by still hold?
pub async fn still_holds(node: &Node, identity: &Identity) -> Result<bool> {
    let at = now();
    Ok(match &identity.proof {
        Proof::Session { id, .. } => store::sessions::get(&node.db, id, at, at - IDLE).await?.is_some(),
        Proof::Token { id } => {
            let token = store::tokens::get(&node.db, id).await?;
            token.is_some_and(|t| t.revoked_at.is_none() && t.expires_at.is_none_or(|e| e > at))
        }
    })
}

pub async fn sign_out(node: &Node, identity: &Identity) -> Result<()> {
    if let Proof::Session { id, .. } = &identity.proof {
        store::sessions::delete(&node.db, id).await?;
        audit::record(node, &identity.caller, "sign_out", &identity.caller.name, true, "").await;
    }
    Ok(())
}

/// What the store says; a word that this version does not know gives the least.
pub fn role(text: &str) -> Role {
    Role::parse(text).unwrap_or(Role::Viewer)
}

/// Sessions that are over, and answers kept for repeated requests.
pub fn start_sweeper(node: &Node) {
    let this = node.clone();
    node.tasks.spawn(async move {
        let mut every = tokio::time::interval(Duration::from_secs(600));
        loop {
            tokio::select! {
                () = this.stopping.cancelled() => return,
                _ = every.tick() => sweep(&this).await,
            }
        }
    });
}

async fn sweep(node: &Node) {
    let at = now();
    let sessions = store::sessions::sweep(&node.db, at, at - IDLE).await;
    let answers = store::idempotency::sweep(&node.db, at - 24 * HOUR, at - HOUR).await;
    if let Err(error) = sessions.and(answers) {
        tracing::warn!(%error, "old sessions could not be swept; tried again in ten minutes");
    }
}

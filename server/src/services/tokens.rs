//! Tokens: for programs (`cfa_…`) and for wallboards (`cfw_…`). The secret is shown once.

use super::{audit, caller::Caller, sessions};
use crate::{
    error::{Error, Result},
    state::{Node, new_id, now},
    store::tokens::{self, StoredToken},
};
use model::{
    Page,
    access::{CreatedToken, NewToken, Role, Token, TokenPurpose},
    limits,
};

const DAY: i64 = 24 * 60 * 60 * 1000;

pub async fn list(node: &Node, caller: &Caller, cursor: Option<&str>, limit: u32) -> Result<Page<Token>> {
    caller.must_be(Role::Administrator)?;
    let rows = tokens::list(&node.db, cursor, i64::from(limit) + 1).await?;
    Ok(super::page(rows.into_iter().map(shown).collect(), limit, |t| t.id.clone()))
}

/// `public_url`: what a wallboard's link begins with.
pub async fn create(node: &Node, caller: &Caller, public_url: &str, new: NewToken) -> Result<CreatedToken> {
    caller.must_be(Role::Administrator)?;
    super::users::check_name(&new.name)?;
    let wallboard = new.purpose == TokenPurpose::Wallboard;
    if wallboard && new.role != Role::Viewer {
        return Err(Error::invalid("role", "A wallboard only looks: its role is viewer."));
    }
    if new.expires_in_days.is_some_and(|d| !limits::TOKEN_DAYS.contains(&d)) {
        return Err(Error::invalid("expires_in_days", "A token lives 1 to 3650 days; leave it out for one that does not expire."));
    }
    let secret = format!("{}{}", prefix(new.purpose), sessions::new_secret());
    let token = StoredToken {
        id: new_id(),
        name: new.name,
        purpose: word(new.purpose).into(),
        role: new.role.as_str().into(),
        created_by: caller.name.clone(),
        created_at: now(),
        last_used_at: None,
        expires_at: new.expires_in_days.map(|d| now() + i64::from(d) * DAY),
        revoked_at: None,
    };
    tokens::insert(&node.db, &token, &sessions::hash(&secret)).await?;
    audit::record(node, caller, "token.create", &token.name, true, format!("{}, role {}", token.purpose, token.role)).await;
    let link = wallboard.then(|| format!("{public_url}/wallboard/{secret}"));
    let qr_svg = link.as_deref().and_then(qr);
    Ok(CreatedToken { token: shown(token), secret, link, qr_svg })
}

pub async fn revoke(node: &Node, caller: &Caller, id: &str) -> Result<Token> {
    caller.must_be(Role::Administrator)?;
    let token = tokens::get(&node.db, id).await?.ok_or_else(|| Error::not_found("such token"))?;
    tokens::revoke(&node.db, id, now()).await?;
    audit::record(node, caller, "token.revoke", &token.name, true, token.purpose).await;
    let token = tokens::get(&node.db, id).await?.ok_or_else(|| Error::not_found("such token"))?;
    Ok(shown(token))
}

pub fn prefix(purpose: TokenPurpose) -> &'static str {
    match purpose {
        TokenPurpose::Api => "cfa_",
        TokenPurpose::Wallboard => "cfw_",
    }
}

fn word(purpose: TokenPurpose) -> &'static str {
    match purpose {
        TokenPurpose::Api => "api",
        TokenPurpose::Wallboard => "wallboard",
    }
}

fn qr(link: &str) -> Option<String> {
    let code = qrcode::QrCode::new(link).ok()?;
    let svg = code.render::<qrcode::render::svg::Color>().min_dimensions(220, 220).build();
    // Shown inside a page: an XML declaration does not belong there.
    svg.find("<svg").map(|at| svg[at..].to_owned())
}

fn shown(t: StoredToken) -> Token {
    Token {
        purpose: if t.purpose == "wallboard" { TokenPurpose::Wallboard } else { TokenPurpose::Api },
        role: sessions::role(&t.role),
        id: t.id,
        name: t.name,
        created_by: t.created_by,
        created_at: t.created_at,
        last_used_at: t.last_used_at,
        expires_at: t.expires_at,
        revoked_at: t.revoked_at,
    }
}

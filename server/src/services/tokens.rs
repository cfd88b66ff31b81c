//! Tokens: for programs (`cfa_…`) and for wallboards (`cfw_…`). The secret is shown once.

use super::{acting, audit, caller::Caller, sessions};
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

/// `url`: what a wallboard's link begins with.
pub async fn create(node: &Node, caller: &Caller, url: &str, new: NewToken) -> Result<CreatedToken> {
    let name = audit::name(&new.name);
    audit::refused(node, caller, "token.create", &name, try_create(node, caller, url, new).await).await
}

async fn try_create(node: &Node, caller: &Caller, url: &str, new: NewToken) -> Result<CreatedToken> {
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
    let event = audit::event(caller, "token.create", &token.name, format!("{}, role {}", token.purpose, token.role));
    let seq = tokens::insert(&node.db, &token, &sessions::hash(&secret), &event).await?;
    acting::begin();
    audit::show(node, event, seq);
    let link = wallboard.then(|| format!("{url}/wallboard/{secret}"));
    let qr_svg = link.as_deref().and_then(qr);
    let link_note = link.as_ref().and_then(|_| only_here(url));
    Ok(CreatedToken { token: shown(token), secret, link, qr_svg, link_note })
}

/// A link to this host itself, put into a code for a camera, leads the camera to itself.
fn only_here(url: &str) -> Option<String> {
    let host = url::Url::parse(url).ok()?.host_str()?.trim_matches(['[', ']']).to_owned();
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    loopback.then(|| {
        format!(
            "{host} is this computer itself: the link opens on no other screen. Open the console under the address that others reach it by \
             and make the link there, or start the node with --public-url."
        )
    })
}

pub async fn revoke(node: &Node, caller: &Caller, id: &str) -> Result<Token> {
    let name = tokens::get(&node.db, id).await?.map_or_else(|| audit::name(id), |t| t.name);
    audit::refused(node, caller, "token.revoke", &name, try_revoke(node, caller, id).await).await
}

async fn try_revoke(node: &Node, caller: &Caller, id: &str) -> Result<Token> {
    caller.must_be(Role::Administrator)?;
    let no_such = || Error::not_found("such token");
    let token = tokens::get(&node.db, id).await?.ok_or_else(no_such)?;
    let event = audit::event(caller, "token.revoke", &token.name, token.purpose);
    if let Some(seq) = tokens::revoke(&node.db, id, now(), &event).await? {
        audit::show(node, event, seq);
    }
    tokens::get(&node.db, id).await?.map(shown).ok_or_else(no_such)
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

#[cfg(test)]
mod tests {
    use super::only_here;

    #[test]
    fn a_link_to_this_computer_itself_is_told() {
        for here in ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"] {
            assert!(only_here(here).is_some(), "{here}");
        }
        assert_eq!(only_here("https://console.example"), None);
    }
}

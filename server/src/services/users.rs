//! Users: local names with a role. The last administrator cannot be taken away.

use super::{acting, audit, caller::Caller, passwords, sessions};
use crate::{
    error::{Code, Error, Result},
    services::sessions::{Identity, Proof},
    state::{Node, new_id, now},
    store::users::{self, StoredUser},
};
use model::{
    Page,
    access::{ChangePassword, ChangeUser, CreatedUser, NewUser, Role, User},
};

pub async fn list(node: &Node, caller: &Caller, cursor: Option<&str>, limit: u32) -> Result<Page<User>> {
    caller.must_be(Role::Administrator)?;
    let rows = users::list(&node.db, cursor.unwrap_or(""), i64::from(limit) + 1).await?;
    Ok(super::page(rows.into_iter().map(shown).collect(), limit, |u| u.name.clone()))
}

pub async fn create(node: &Node, caller: &Caller, new: NewUser) -> Result<CreatedUser> {
    let name = audit::name(&new.name);
    audit::refused(node, caller, "user.add", &name, try_create(node, caller, new).await).await
}

async fn try_create(node: &Node, caller: &Caller, new: NewUser) -> Result<CreatedUser> {
    caller.must_be(Role::Administrator)?;
    check_name(&new.name)?;
    if let Some(password) = &new.password {
        passwords::check("password", &new.name, password)?;
    }
    let one_time = new.password.is_none().then(passwords::one_time);
    let password = passwords::hash(new.password.as_ref().or(one_time.as_ref()).map_or("", String::as_str)).await?;
    let user = StoredUser {
        id: new_id(),
        name: new.name,
        role: new.role.as_str().into(),
        password,
        // Somebody else chose it, so it is to be replaced at the first sign-in.
        must_change: 1,
        disabled: 0,
        created_at: now(),
        last_sign_in_at: None,
    };
    let event = audit::event(caller, "user.add", &user.name, format!("role {}", user.role));
    let Some(seq) = users::insert(&node.db, &user, &event).await? else {
        let message = format!("There is a user {} already: choose another name.", user.name);
        return Err(Error { code: Code::Conflict, ..Error::invalid("name", message) });
    };
    acting::begin();
    audit::show(node, event, seq);
    Ok(CreatedUser { user: shown(user), one_time_password: one_time })
}

pub async fn change(node: &Node, caller: &Caller, id: &str, change: ChangeUser) -> Result<User> {
    let name = name_of(node, id).await?;
    audit::refused(node, caller, "user.change", &name, try_change(node, caller, id, change).await).await
}

async fn try_change(node: &Node, caller: &Caller, id: &str, change: ChangeUser) -> Result<User> {
    caller.must_be(Role::Administrator)?;
    let user = get(node, id).await?;
    let (role, disabled) = (change.role.unwrap_or(sessions::role(&user.role)), change.disabled.unwrap_or(user.disabled != 0));
    let detail = format!("role {}{}", role.as_str(), if disabled { ", disabled" } else { "" });
    let event = audit::event(caller, "user.change", &user.name, detail);
    let seq = users::set_role(&node.db, id, role.as_str(), disabled, &event).await?;
    let last = || Error::conflict(format!("{} is the last administrator: make another one first.", user.name));
    audit::show(node, event, seq.ok_or_else(last)?);
    Ok(shown(get(node, id).await?))
}

/// A new one-time password; whoever is signed in by that name is signed out.
pub async fn reset_password(node: &Node, caller: &Caller, id: &str) -> Result<CreatedUser> {
    let name = name_of(node, id).await?;
    audit::refused(node, caller, "user.reset_password", &name, try_reset(node, caller, id).await).await
}

async fn try_reset(node: &Node, caller: &Caller, id: &str) -> Result<CreatedUser> {
    caller.must_be(Role::Administrator)?;
    let user = get(node, id).await?;
    let one_time = passwords::one_time();
    let event = audit::event(caller, "user.reset_password", &user.name, "");
    let password = passwords::hash(&one_time).await?;
    let seq = users::set_password(&node.db, id, &password, true, "", &event).await?;
    acting::begin();
    audit::show(node, event, seq.ok_or_else(no_such)?);
    Ok(CreatedUser { user: shown(user), one_time_password: Some(one_time) })
}

/// One's own. Every other session of the user ends.
pub async fn change_own_password(node: &Node, identity: &Identity, given: ChangePassword) -> Result<()> {
    let caller = &identity.caller;
    audit::refused(node, caller, "user.change_password", &caller.name, try_change_own(node, identity, given).await).await
}

async fn try_change_own(node: &Node, identity: &Identity, given: ChangePassword) -> Result<()> {
    let Proof::Session { id, user_id, .. } = &identity.proof else {
        return Err(Error::new(Code::Forbidden, "A token has no password: sign in as a user."));
    };
    let user = get(node, user_id).await?;
    if !passwords::verify(&given.old, Some(user.password.clone())).await? {
        return Err(Error::invalid("old", "This is not your password now."));
    }
    passwords::check("new", &user.name, &given.new)?;
    if given.new == given.old {
        return Err(Error::invalid("new", "The new password is the old one: choose another."));
    }
    let event = audit::event(&identity.caller, "user.change_password", &user.name, "");
    let seq = users::set_password(&node.db, user_id, &passwords::hash(&given.new).await?, false, id, &event).await?;
    super::first_start::forget_initial_password(node, &user.name);
    audit::show(node, event, seq.ok_or_else(no_such)?);
    Ok(())
}

/// For the audit trail, also of somebody who may not do it.
async fn name_of(node: &Node, id: &str) -> Result<String> {
    Ok(users::get(&node.db, id).await?.map_or_else(|| audit::name(id), |u| u.name))
}

async fn get(node: &Node, id: &str) -> Result<StoredUser> {
    users::get(&node.db, id).await?.ok_or_else(no_such)
}

fn no_such() -> Error {
    Error::not_found("such user")
}

/// A name also stands in the audit trail and on the command line.
pub fn check_name(name: &str) -> Result<()> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-@".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(good) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        let message = "A name has 1 to 64 of the letters a-z, digits and . _ - @, and begins with a letter or digit.";
        return Err(Error::invalid("name", message));
    }
    Ok(())
}

fn shown(u: StoredUser) -> User {
    User {
        role: sessions::role(&u.role),
        id: u.id,
        name: u.name,
        disabled: u.disabled != 0,
        created_at: u.created_at,
        last_sign_in_at: u.last_sign_in_at,
    }
}

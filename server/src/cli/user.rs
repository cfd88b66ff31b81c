//! `crossfade user`.

use super::{
    client::{Client, Result},
    names,
    output::{Out, age, table},
};
use crate::state::now;
use clap::Subcommand;
use model::access::{ChangeUser, CreatedUser, NewUser, Role, User};

#[derive(Subcommand)]
pub enum Command {
    /// Add a user; a one-time password is made and shown
    Add {
        name: String,
        /// viewer, operator or administrator
        #[arg(long, default_value = "viewer", value_parser = role)]
        role: Role,
    },
    List,
    /// Make a new one-time password for a user
    Passwd {
        user: String,
    },
    /// Give a user another role
    Role {
        user: String,
        /// viewer, operator or administrator
        #[arg(value_parser = role)]
        role: Role,
    },
    /// Sign a user out and let them in no more
    Disable {
        user: String,
        /// Let them in again
        #[arg(long)]
        undo: bool,
    },
}

pub fn role(text: &str) -> std::result::Result<Role, String> {
    Role::parse(text).ok_or_else(|| "write viewer, operator or administrator".into())
}

pub async fn run(command: Command, api: &Client, out: Out) -> Result<()> {
    match command {
        Command::Add { name, role } => {
            let made: CreatedUser = api.post("/users", &NewUser { name, role, password: None }).await?;
            out.show(&made, created)
        }
        Command::List => out.show(&api.all::<User>("/users").await?, |all| list(all)),
        Command::Passwd { user } => {
            let id = names::user(api, &user).await?;
            let made: CreatedUser = api.post(&format!("/users/{id}/password"), &serde_json::json!({})).await?;
            out.show(&made, created)
        }
        Command::Role { user, role } => {
            let id = names::user(api, &user).await?;
            let changed: User = api.put(&format!("/users/{id}"), &ChangeUser { role: Some(role), disabled: None }).await?;
            out.show(&changed, |u| format!("{} is {}.", u.name, u.role.as_str()))
        }
        Command::Disable { user, undo } => {
            let id = names::user(api, &user).await?;
            let changed: User = api.put(&format!("/users/{id}"), &ChangeUser { role: None, disabled: Some(!undo) }).await?;
            out.show(&changed, |u| format!("{} is {}.", u.name, if u.disabled { "disabled" } else { "enabled" }))
        }
    }
}

fn created(made: &CreatedUser) -> String {
    let password = made.one_time_password.as_ref().map(|p| format!("\nOne-time password, shown this once: {p}")).unwrap_or_default();
    format!("{} is {}.{password}", made.user.name, made.user.role.as_str())
}

fn list(all: &[User]) -> String {
    let at = now();
    table(["name", "role", "state", "last sign-in"], all, |u| {
        let state = if u.disabled { "disabled" } else { "enabled" };
        [u.name.clone(), u.role.as_str().into(), state.into(), age(u.last_sign_in_at, at)]
    })
}

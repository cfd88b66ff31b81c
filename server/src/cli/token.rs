//! `crossfade token` and `crossfade wallboard`.

use super::{
    client::{Client, Result},
    names,
    output::{Out, age, table, time, word},
    user::role,
};
use crate::state::now;
use clap::Subcommand;
use model::access::{CreatedToken, NewToken, Role, Token, TokenPurpose};

#[derive(Subcommand)]
pub enum Command {
    /// Make an API token; its secret is shown once
    Create {
        name: String,
        /// viewer, operator or administrator
        #[arg(long, default_value = "viewer", value_parser = role)]
        role: Role,
        #[arg(long, value_name = "DAYS")]
        expires: Option<u32>,
    },
    /// All tokens, also those of wallboards
    List,
    /// A token opens nothing any more
    // Not called `token`: clap would take it for the global --token.
    Revoke { name: String },
}

#[derive(Subcommand)]
pub enum WallboardCommand {
    /// Make a link that opens the wallboard on one screen; `token revoke` takes it back
    Add {
        #[arg(long)]
        name: String,
        #[arg(long, value_name = "DAYS")]
        expires: Option<u32>,
    },
}

pub async fn run(command: Command, api: &Client, out: Out) -> Result<()> {
    match command {
        Command::Create { name, role, expires } => {
            let new = NewToken { name, purpose: TokenPurpose::Api, role, expires_in_days: expires };
            let made: CreatedToken = api.post("/tokens", &new).await?;
            out.show(&made, |m| format!("{}\n(shown this once; role {})", m.secret, m.token.role.as_str()))
        }
        Command::List => out.show(&api.all::<Token>("/tokens").await?, |all| list(all)),
        Command::Revoke { name } => {
            let id = names::token(api, &name).await?;
            let token: Token = api.delete(&format!("/tokens/{id}")).await?;
            out.show(&token, |t| format!("{} is revoked.", t.name))
        }
    }
}

pub async fn run_wallboard(command: WallboardCommand, api: &Client, out: Out) -> Result<()> {
    let WallboardCommand::Add { name, expires } = command;
    let new = NewToken { name, purpose: TokenPurpose::Wallboard, role: Role::Viewer, expires_in_days: expires };
    let made: CreatedToken = api.post("/tokens", &new).await?;
    out.show(&made, |m| {
        let note = m.link_note.as_ref().map(|note| format!("\n{note}")).unwrap_or_default();
        format!("{}\n(open it once on the screen; shown this once){note}", m.link.clone().unwrap_or_default())
    })
}

fn list(all: &[Token]) -> String {
    let at = now();
    table(["name", "for", "role", "by", "used", "state"], all, |t| {
        let state = match (t.revoked_at, t.expires_at) {
            (Some(r), _) => format!("revoked {}", time(r)),
            (None, Some(e)) if e <= at => format!("expired {}", time(e)),
            (None, Some(e)) => format!("until {}", time(e)),
            (None, None) => "valid".into(),
        };
        [t.name.clone(), word(&t.purpose), t.role.as_str().into(), t.created_by.clone(), age(t.last_used_at, at), state]
    })
}

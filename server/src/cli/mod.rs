//! The command line: `serve` runs a node, `doctor` looks at one from outside, everything else speaks the REST API.

mod activity;
mod alarm;
mod client;
mod cloud;
mod doctor;
mod group;
mod machine;
mod names;
mod output;
mod overview;
mod placement;
mod plan;
mod prices;
mod recover;
mod run;
mod site;
mod spec;
mod target;
mod token;
mod user;

use crate::{boot, config};
use clap::{Args, Parser, Subcommand};
use client::{Client, Failure};
use output::Out;
use std::{path::PathBuf, process::ExitCode};

/// One console for the machines of all clouds: see them, move one, fail a site over.
///
/// Exit codes: 0 done; 1 it failed or was refused; 2 wrong usage or input; 3 not signed in or not allowed;
/// 4 the node does not answer.
#[derive(Parser)]
#[command(name = "crossfade", version, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    remote: Remote,
}

/// Which node, and as whom.
#[derive(Args)]
#[command(next_help_heading = "Node")]
struct Remote {
    /// Address of the node
    #[arg(long, global = true, env = "CROSSFADE_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// API token (visible to other users of this host: better --token-file)
    #[arg(long, global = true, env = "CROSSFADE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// File with the API token
    #[arg(long, global = true, env = "CROSSFADE_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Certificate authority (PEM) that the node's certificate is from
    #[arg(long, global = true, env = "CROSSFADE_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Print the API's JSON instead of a table
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run a node
    Serve(Box<config::Settings>),
    /// Everything at a glance
    Overview,
    /// Who did what, and whether it went well
    Activity(activity::Activity),
    /// Alarms: what somebody should know of now
    #[command(subcommand)]
    Alarm(alarm::Command),
    /// Clouds: what is managed
    #[command(subcommand)]
    Cloud(cloud::Command),
    /// Machines: look, start, stop, move to another cloud
    #[command(subcommand)]
    Machine(machine::Command),
    /// Protection groups: what is replicated where
    #[command(subcommand)]
    Group(group::Command),
    /// Recovery plans: in which order machines come up
    #[command(subcommand)]
    Plan(plan::Command),
    /// Sites: fail one over
    #[command(subcommand)]
    Site(site::Command),
    /// Runs: what is under way, and what was
    #[command(subcommand)]
    Run(run::Command),
    /// Users
    #[command(subcommand)]
    User(user::Command),
    /// API tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Wallboards for screens across the room
    #[command(subcommand)]
    Wallboard(token::WallboardCommand),
    /// Check everything that a node on this host needs, and say how to mend what is wrong
    Doctor(Box<config::Settings>),
}

pub fn run(cli: Cli) -> ExitCode {
    let remote = cli.remote;
    match cli.command {
        Command::Serve(settings) => ended(settings.resolve().and_then(boot::run).map_err(Failure::from)),
        Command::Doctor(settings) => on_runtime(doctor::run(*settings, &remote)),
        other => on_runtime(speak(other, &remote)),
    }
}

fn on_runtime(work: impl Future<Output = Result<(), Failure>>) -> ExitCode {
    // Fails only when one is installed already, which is then the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => ended(runtime.block_on(work)),
        Err(error) => ended(Err(Failure::from(anyhow::Error::from(error)))),
    }
}

fn ended(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("crossfade: {failure}");
            failure.exit_code()
        }
    }
}

async fn speak(command: Command, remote: &Remote) -> Result<(), Failure> {
    let api = Client::new(remote)?;
    let out = Out { json: remote.json };
    match command {
        Command::Overview => overview::run(&api, out).await,
        Command::Activity(a) => activity::run(a, &api, out).await,
        Command::Alarm(c) => alarm::run(c, &api, out).await,
        Command::Cloud(c) => cloud::run(c, &api, out).await,
        Command::Machine(c) => machine::run(c, &api, out).await,
        Command::Group(c) => group::run(c, &api, out).await,
        Command::Plan(c) => plan::run(c, &api, out).await,
        Command::Site(c) => site::run(c, &api, out).await,
        Command::Run(c) => run::run(c, &api, out).await,
        Command::User(c) => user::run(c, &api, out).await,
        Command::Token(c) => token::run(c, &api, out).await,
        Command::Wallboard(c) => token::run_wallboard(c, &api, out).await,
        Command::Serve(_) | Command::Doctor(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_name_is_never_taken_for_the_token_of_the_caller() {
        let cli = Cli::parse_from(["crossfade", "--token", "mine", "token", "revoke", "ci"]);
        assert_eq!(cli.remote.token.as_deref(), Some("mine"));
    }
}

//! The command line: `serve` runs a node, everything else speaks the REST API of one.

use crate::{boot, config};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// One console for the machines of all clouds: see them, move one, fail a site over.
#[derive(Parser)]
#[command(name = "crossfade", version, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a node
    Serve(Box<config::Settings>),
}

pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Serve(settings) => settings.resolve().and_then(boot::run),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("crossfade: {error:#}");
            ExitCode::FAILURE
        }
    }
}

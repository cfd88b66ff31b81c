//! Runs a callout: a program of the node's callout folder, by its plain name, without a shell.
//!
//! It gets the facts of the run in its environment and nothing else of ours; what it prints goes into the run's log.
//! After a crash of the node it is run again: `CROSSFADE_TOKEN` stays the same, so a program can tell.

use super::{End, Halt, done};
use crate::{recovery::context::Context, state::Node};
use model::Severity;
use std::{path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::Command,
};

/// More lines than this are cut: the log of a run is read by people.
const LINES: usize = 200;

/// Where the program is, or why not.
///
/// # Errors
/// What is wrong with the name or the file, and what to do.
pub fn find(node: &Node, program: &str) -> Result<PathBuf, String> {
    let folder = node.data_dir.join("callouts");
    let plain = !program.is_empty() && !program.starts_with('.') && !program.contains(['/', '\\', '\0']);
    if !plain {
        return Err(format!("'{program}' is not the plain name of a program. Put it into {} and name the file.", folder.display()));
    }
    let path = folder.join(program);
    match std::fs::metadata(&path) {
        Ok(meta) if meta.is_file() && executable(&meta) => Ok(path),
        Ok(_) => Err(format!("{} cannot be executed. Make it executable (chmod +x).", path.display())),
        Err(_) => Err(format!("There is no {}. Put the program there on every node.", path.display())),
    }
}

fn executable(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o111 != 0
}

pub async fn run(ctx: &Context, program: &str, args: &[String], timeout_seconds: u32) -> Result<End, Halt> {
    let path = find(&ctx.node, program).map_err(Halt::failed)?;
    let mut child = Command::new(&path)
        .args(args)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("CROSSFADE_RUN_ID", &ctx.run_id)
        .env("CROSSFADE_RUN_TITLE", &ctx.title)
        .env("CROSSFADE_STEP", &ctx.key)
        .env("CROSSFADE_TOKEN", ctx.token())
        .env("CROSSFADE_SITE", ctx.spec.site.as_deref().unwrap_or_default())
        .env("CROSSFADE_MACHINES", ctx.spec.subjects.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(" "))
        .current_dir(ctx.node.data_dir.join("callouts"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| Halt::failed(format!("{program} could not be started: {e}.")))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let work = async { tokio::join!(child.wait(), log(ctx, out, Severity::Info), log(ctx, err, Severity::Warning)).0 };
    let limited = tokio::time::timeout(Duration::from_secs(u64::from(timeout_seconds)), work);
    match ctx.unless_interrupted(limited).await? {
        Ok(Ok(status)) if status.success() => done(format!("{program} ended well."), ctx.own()),
        Ok(Ok(status)) => Err(Halt::failed(format!("{program} ended with {status}. Its output is in the log."))),
        Ok(Err(e)) => Err(Halt::failed(format!("{program} could not be waited for: {e}."))),
        Err(_) => Err(Halt::failed(format!("{program} did not end within {timeout_seconds} s and was killed."))),
    }
}

async fn log(ctx: &Context, stream: Option<impl AsyncRead + Unpin>, severity: Severity) {
    let Some(stream) = stream else { return };
    let mut lines = BufReader::new(stream).lines();
    let mut count = 0;
    // Read to the end even when no more is kept, so that the program never blocks on its output.
    while let Ok(Some(line)) = lines.next_line().await {
        count += 1;
        if count <= LINES && ctx.say(severity, &line.chars().take(500).collect::<String>()).await.is_err() {
            return;
        }
    }
}

//! Programs of a conversion: in a process group of their own, ended with everything that they started.

use super::scratch::Scratch;
use crate::recovery::{context::Context, steps::Halt};
use model::Severity;
use std::{process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::Command,
    sync::mpsc,
};

/// More lines than this are not kept: the log of a run is read by people.
const LINES: usize = 300;

pub struct Ended {
    pub success: bool,
    /// What it printed, on both streams.
    pub lines: Vec<String>,
}

/// Whoever drops it ends the whole group.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        kill_group(self.0);
    }
}

/// Also the appliance, which virt-v2v starts.
pub fn kill_group(leader: u32) {
    if let Some(group) = i32::try_from(leader).ok().filter(|group| *group > 1) {
        // SAFETY: no memory is involved; a group that is gone is an error that nobody needs.
        #[allow(unsafe_code)]
        unsafe {
            libc::kill(-group, libc::SIGKILL);
        }
    }
}

/// Every line goes into the run's log as it comes.
///
/// # Errors
/// It cannot be started, does not end in time, or the run is in other hands.
pub async fn run(ctx: &Context, scratch: &Scratch, mut command: Command, timeout: Duration) -> Result<Ended, Halt> {
    let name = "virt-v2v";
    let cannot = |error: std::io::Error| Halt::failed(format!("{name} cannot be started: {error}."));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(cannot)?;
    let group = Group(child.id().unwrap_or_default());
    scratch.note(group.0).map_err(|error| scratch.failed(&error))?;
    let (tell, mut told) = mpsc::channel(64);
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let reading = async { tokio::join!(read(out, tell.clone()), read(err, tell)) };
    let listening = async {
        let mut lines = vec![];
        while let Some(line) = told.recv().await {
            if lines.len() < LINES {
                let severity = if line.contains("warning: ") || line.contains("error: ") { Severity::Warning } else { Severity::Info };
                ctx.say(severity, &line).await?;
                lines.push(line);
            }
        }
        Ok::<_, Halt>(lines)
    };
    let work = async {
        let (_, lines) = tokio::join!(reading, listening);
        Ok::<_, Halt>((child.wait().await.map_err(cannot)?, lines?))
    };
    let late =
        |_| Halt::failed(format!("{name} did not end within {} minutes and was ended. Retry, or skip this step.", timeout.as_secs() / 60));
    let (status, lines) = tokio::time::timeout(timeout, work).await.map_err(late)??;
    Ok(Ended { success: status.success(), lines })
}

/// To its end, so that the program never blocks on its output.
async fn read(stream: Option<impl AsyncRead + Unpin>, tell: mpsc::Sender<String>) {
    let Some(stream) = stream else { return };
    let mut lines = BufReader::new(stream).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let text: String = String::from_utf8_lossy(&line).trim_end().chars().filter(|c| !c.is_control()).take(500).collect();
        if !text.trim().is_empty() && tell.send(text).await.is_err() {
            return;
        }
    }
}

/// What a small program prints.
///
/// # Errors
/// It cannot be started, fails, or does not end in time.
pub async fn output(program: &str, args: &[&str], timeout: Duration) -> Result<String, Halt> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true).env("LC_ALL", "C");
    let ended = tokio::time::timeout(timeout, command.output()).await;
    let late = |_| Halt::heals(format!("{program} did not end within {} s.", timeout.as_secs()));
    let out = ended
        .map_err(late)?
        .map_err(|error| Halt::failed(format!("{program} cannot be started: {error}. Install qemu-utils on this node.")))?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    Err(Halt::failed(format!("{program} {}: {}", args.first().unwrap_or(&""), String::from_utf8_lossy(&out.stderr).trim())))
}

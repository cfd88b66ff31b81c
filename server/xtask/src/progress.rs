//! Says what is being done, and never stays silent for more than [`QUIET`]: a link with whole-program optimisation
//! takes minutes without a word, and somebody in front of a silent terminal presses Ctrl-C.

use anyhow::{Context, Result, bail};
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

const QUIET: Duration = Duration::from_secs(8);

/// One named piece of work.
pub struct Phase {
    name: &'static str,
    begun: Instant,
    spoke: Arc<Mutex<Instant>>,
    /// Dropping it ends the thread that breaks the silence.
    _alive: mpsc::Sender<()>,
}

impl Phase {
    pub fn begin(name: &'static str) -> Self {
        let begun = Instant::now();
        let spoke = Arc::new(Mutex::new(begun));
        let (alive, ended) = mpsc::channel();
        let last = Arc::clone(&spoke);
        thread::spawn(move || break_silence(name, begun, &last, &ended));
        Self { name, begun, spoke, _alive: alive }
    }

    pub fn done(self) {
        eprintln!("{:>7}  done in {:.1} s", self.name, self.begun.elapsed().as_secs_f32());
    }

    /// Runs a command; what it says is passed on and counts as a sign of life.
    pub fn run(&self, command: &mut Command) -> Result<()> {
        let mut child =
            command.stderr(Stdio::piped()).spawn().with_context(|| format!("{:?} could not be started", command.get_program()))?;
        if let Some(said) = child.stderr.take() {
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                eprintln!("{:>7}  {line}", self.name);
                touch(&self.spoke);
            }
        }
        let status = child.wait()?;
        if !status.success() {
            bail!("{}: {:?} ended with {status}", self.name, command.get_program());
        }
        Ok(())
    }
}

fn break_silence(name: &str, begun: Instant, spoke: &Mutex<Instant>, ended: &mpsc::Receiver<()>) {
    while ended.recv_timeout(Duration::from_secs(1)) == Err(mpsc::RecvTimeoutError::Timeout) {
        if spoke.lock().is_ok_and(|last| last.elapsed() >= QUIET) {
            eprintln!("{name:>7}  still at it, {} s", begun.elapsed().as_secs());
            touch(spoke);
        }
    }
}

fn touch(spoke: &Mutex<Instant>) {
    if let Ok(mut last) = spoke.lock() {
        *last = Instant::now();
    }
}

//! The connection to one host: opened when first needed, kept, opened again after it was lost.
//!
//! libvirt's own open may hang for minutes (a black hole answers no SYN), so this node looks first whether somebody
//! answers, with a timeout of its own, and never lets more than a few opens hang.

use super::{
    fields::{Config, Transport},
    files, sys,
    sys::{Conn, Fault, Signal},
    threads::{self, Threads},
    tls,
};
use crate::clouds::error::{Error, Kind, Result};
use std::{
    sync::{
        Arc, Mutex as Lock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, Semaphore, broadcast};

/// Opens that may hang at a time.
const OPENS: usize = 3;
/// Heart beats that may hang at a time.
const PULSES: usize = 2;
const OPEN: Duration = Duration::from_secs(10);
/// A silent host is given up after interval * (misses + 1): 6 s, so that the screen is red within 10.
const KEEPALIVE: (i32, u32) = (2, 2);
/// 7.2 is the first with incremental backups that are not experimental.
const OLDEST: u64 = 7_002_000;
/// Callers that queued up behind a failed open share its answer.
const FRESH: Duration = Duration::from_millis(500);

pub struct Link {
    pub config: Config,
    threads: Threads,
    opens: Arc<Semaphore>,
    state: Mutex<State>,
    pulse: Pulse,
    /// When a packet came back from the host last, even if nothing more came of it.
    sign: Lock<Option<Instant>>,
}

/// The heart beat has a connection and threads of its own: a host that is busy with long calls is not a dead one.
struct Pulse {
    threads: Threads,
    conn: Mutex<Option<Conn>>,
}

#[derive(Default)]
struct State {
    session: Option<Arc<Session>>,
    failed: Option<(Instant, Error)>,
}

/// One open connection.
pub struct Session {
    conn: Conn,
    lost: AtomicBool,
    reason: Lock<Option<String>>,
    signals: broadcast::Sender<Signal>,
    subscription: Lock<Option<sys::Subscription>>,
    pub version: u64,
    pub fingerprint: Option<String>,
    pub is_qemu: bool,
}

impl Link {
    pub fn new(config: Config) -> Self {
        let pulse = Pulse { threads: Threads::new(PULSES), conn: Mutex::default() };
        let threads = Threads::new(config.calls);
        Self { config, threads, opens: Arc::new(Semaphore::new(OPENS)), state: Mutex::default(), pulse, sign: Lock::default() }
    }

    /// Runs blocking `work` with the connection, on a thread of its own.
    ///
    /// # Errors
    /// The connection's or libvirt's own; a connection that broke meanwhile is `Transient` and opened anew next time.
    pub async fn call<T: Send + 'static>(&self, work: impl FnOnce(&Conn) -> std::result::Result<T, Fault> + Send + 'static) -> Result<T> {
        self.run(|conn| work(conn).map_err(Error::from)).await
    }

    /// Like [`Self::call`], for work that judges by itself.
    ///
    /// # Errors
    /// See [`Self::call`].
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Conn) -> Result<T> + Send + 'static) -> Result<T> {
        let session = self.session().await?;
        let at = session.clone();
        let answer = self.threads.run(move || work(&at.conn)).await?;
        answer.map_err(|error| session.judge(error))
    }

    /// Does the host answer? Never waits for other calls to it.
    ///
    /// # Errors
    /// The connection's or libvirt's own.
    pub async fn alive(&self) -> Result<()> {
        let session = self.session().await?;
        let mut own = self.pulse.conn.lock().await;
        if own.is_none() {
            // Where no second one can be had, the first one is asked: on a thread of its own at least.
            *own = self.open_conn().await.ok();
        }
        if let Some(conn) = own.clone() {
            drop(own);
            if let Ok(Ok(_)) = self.pulse.threads.run(move || conn.lib_version()).await {
                return Ok(());
            }
            // Only this one may be broken: the other one tells.
            *self.pulse.conn.lock().await = None;
        }
        let conn = session.conn.clone();
        let answer = self.pulse.threads.run(move || conn.lib_version().map(drop)).await?;
        answer.map_err(|fault| session.judge(fault.into()))
    }

    /// How long ago something came back from the host.
    pub fn last_sign(&self) -> Option<Duration> {
        self.sign.lock().unwrap_or_else(PoisonError::into_inner).map(|at| at.elapsed())
    }

    /// # Errors
    /// Why there is no connection.
    pub async fn session(&self) -> Result<Arc<Session>> {
        let mut state = self.state.lock().await;
        if let Some(session) = state.session.clone() {
            if !session.is_lost() {
                return Ok(session);
            }
            state.session = None;
        }
        if let Some((_, error)) = state.failed.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Err(error.clone());
        }
        match self.open().await {
            Ok(session) => {
                let session = Arc::new(session);
                *state = State { session: Some(session.clone()), failed: None };
                Ok(session)
            }
            Err(error) => {
                state.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// A second connection for bulk data, so that a transfer does not stand in the way of everything else.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn extra(&self) -> Result<Conn> {
        self.session().await?;
        self.open_conn().await
    }

    pub async fn disconnect(&self) {
        *self.pulse.conn.lock().await = None;
        self.state.lock().await.session = None;
    }

    async fn open(&self) -> Result<Session> {
        let fingerprint = self.look().await?;
        let conn = self.open_conn().await?;
        let looked = self.threads.run(move || Session::new(conn, fingerprint)).await??;
        Ok(looked)
    }

    /// Is somebody there, and is it the one that we know? Before libvirt may hang on it.
    async fn look(&self) -> Result<Option<String>> {
        let config = &self.config;
        let Some(host) = config.host() else { return Ok(None) };
        let answered = || *self.sign.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        match config.transport {
            Transport::Tls => {
                let port = config.uri.port().unwrap_or(16514);
                let tcp = tls::tcp(&host, port).await.inspect(|_| answered())?;
                let seen = tls::fingerprint(&host, tcp, config.pki.as_ref()).await?;
                pinned(&host, config.fingerprint.as_deref(), &seen)?;
                Ok(Some(seen))
            }
            Transport::Tcp => tls::tcp(&host, config.uri.port().unwrap_or(16509)).await.map(|_| answered()).map(|()| None),
            Transport::Ssh => tls::tcp(&host, config.uri.port().unwrap_or(22)).await.map(|_| answered()).map(|()| None),
            Transport::Unix | Transport::Test => Ok(None),
        }
    }

    async fn open_conn(&self) -> Result<Conn> {
        let busy = || Error::transient("Earlier connections to this host still hang; waiting for them.");
        let permit = self.opens.clone().try_acquire_owned().map_err(|_| busy())?;
        let uri = files::prepare(&self.config)?;
        let wait = threads::spawn(Some(permit), move || {
            let conn = Conn::open(&uri)?;
            conn.keep_alive(KEEPALIVE.0, KEEPALIVE.1);
            Ok::<_, Fault>(conn)
        })?;
        match tokio::time::timeout(OPEN, wait).await {
            Ok(Ok(Ok(conn))) => Ok(conn),
            Ok(Ok(Err(fault))) => Err(opening(fault)),
            Ok(Err(_)) => Err(Error::permanent("Opening the connection panicked; see the log.")),
            Err(_) => Err(Error::transient(format!("libvirt did not answer within {} s.", OPEN.as_secs()))),
        }
    }
}

fn pinned(host: &str, known: Option<&str>, seen: &str) -> Result<()> {
    match known {
        Some(known) if known != seen => Err(Error::other_certificate(
            format!(
                "{host} shows another certificate than the one that was accepted (now {seen}, accepted {known}). If it was renewed on purpose, accept the new one; if not, somebody may stand in between."
            ),
            seen,
        )),
        _ => Ok(()),
    }
}

/// libvirt's words for a failed open, sorted into what an administrator can do.
fn opening(fault: Fault) -> Error {
    let says = |words: &str| fault.message.to_lowercase().contains(words);
    let kind = if says("certificate") || says("host key") {
        Kind::Identity
    } else if says("permission denied") || says("authentication") || says("access denied") || says("unable to read tls confirmation") {
        Kind::Auth
    } else {
        match Error::from(fault.clone()).kind {
            Kind::Permanent | Kind::Conflict | Kind::NotFound => Kind::Transient,
            kind => kind,
        }
    };
    let remedy = if says("host key") {
        " The field known_hosts must hold the line of this host: ssh-keyscan prints it; compare it at the host before it is accepted."
    } else if says("permission denied") {
        " The host refuses this SSH key: put its public half into authorized_keys of the user in the address."
    } else {
        ""
    };
    Error::new(kind, fault.message + remedy)
}

impl Session {
    fn new(conn: Conn, fingerprint: Option<String>) -> Result<Self> {
        let kind = conn.kind();
        let version = conn.lib_version()?;
        let is_qemu = kind == "QEMU";
        supported(&kind, version)?;
        let (signals, _) = broadcast::channel(4096);
        let (lost, reason, subscription) = (AtomicBool::new(false), Lock::default(), Lock::default());
        Ok(Self { conn, lost, reason, signals, subscription, version, fingerprint, is_qemu })
    }

    pub fn conn(&self) -> &Conn {
        &self.conn
    }

    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Signals from now on. The first caller registers for them.
    ///
    /// # Errors
    /// libvirt's.
    pub fn listen(self: &Arc<Self>) -> std::result::Result<broadcast::Receiver<Signal>, Fault> {
        let receiver = self.signals.subscribe();
        let mut subscription = self.subscription.lock().unwrap_or_else(PoisonError::into_inner);
        if subscription.is_none() {
            // Weak: a callback must not keep the connection that it hangs on.
            let this = Arc::downgrade(self);
            let sink = move |signal: Signal| {
                if let Some(session) = this.upgrade() {
                    session.heard(signal);
                }
            };
            *subscription = Some(sys::Subscription::new(&self.conn, Arc::new(sink))?);
        }
        Ok(receiver)
    }

    fn heard(&self, signal: Signal) {
        if let Signal::Closed(reason) = &signal {
            self.lose(reason);
        }
        // No receiver: nobody watches.
        let _ = self.signals.send(signal);
    }

    fn lose(&self, reason: &str) {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| reason.to_owned());
        self.lost.store(true, Ordering::Release);
    }

    /// After a failed call: was it the connection?
    fn judge(&self, error: Error) -> Error {
        if !self.is_lost() && self.conn.is_alive() {
            return error;
        }
        self.lose(&error.message);
        let _ = self.signals.send(Signal::Closed("the connection broke"));
        Error::transient(format!("The connection was lost: {}", error.message))
    }
}

impl Drop for Session {
    /// Closing talks to the host: never on an async thread, nor on the event thread.
    fn drop(&mut self) {
        let subscription = self.subscription.lock().unwrap_or_else(PoisonError::into_inner).take();
        let conn = self.conn.clone();
        let _ = threads::spawn(None, move || {
            drop(subscription);
            drop(conn);
        });
    }
}

/// # Errors
/// `Unsupported`: what it is, and what it would have to be.
fn supported(kind: &str, version: u64) -> Result<()> {
    let no = |words: String| Err(Error::new(Kind::Unsupported, words));
    if kind != "QEMU" && kind != "TEST" {
        return no(format!("This is libvirt for {kind}; only QEMU/KVM is supported."));
    }
    if version < OLDEST {
        return no(format!("libvirt {} is too old: 7.2.0 or newer is needed. Update libvirt on that host.", version_text(version)));
    }
    Ok(())
}

pub fn version_text(version: u64) -> String {
    format!("{}.{}.{}", version / 1_000_000, version / 1_000 % 1_000, version % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All threads are busy with calls that last; before, the heart beat waited behind them and the host counted as dead.
    #[tokio::test]
    async fn a_busy_host_is_alive() {
        let fields = [("uri", "test:///default"), ("insecure", "true")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let settings = crate::clouds::Settings { fields, calls: 1, ..Default::default() };
        let link = Arc::new(Link::new(Config::parse(settings).unwrap()));
        link.alive().await.unwrap();
        let (begun, started) = tokio::sync::oneshot::channel();
        let busy = link.clone();
        let long = tokio::spawn(async move {
            busy.call(move |_| {
                let _ = begun.send(());
                std::thread::sleep(Duration::from_secs(3));
                Ok(())
            })
            .await
        });
        started.await.unwrap();
        tokio::time::timeout(Duration::from_secs(1), link.alive()).await.expect("it waits for a turn").unwrap();
        assert!(!long.is_finished());
        long.abort();
    }

    #[test]
    fn what_is_too_old_or_something_else_is_said_with_what_it_would_have_to_be() {
        assert!(supported("QEMU", 7_002_000).is_ok() && supported("TEST", 9_000_000).is_ok());
        let old = supported("QEMU", 7_001_009).unwrap_err();
        assert_eq!(old.kind, Kind::Unsupported);
        assert!(old.message.contains("7.1.9 is too old: 7.2.0") && old.message.contains("Update"), "{}", old.message);
        let other = supported("LXC", 9_000_000).unwrap_err();
        assert!(other.kind == Kind::Unsupported && other.message.contains("LXC") && other.message.contains("QEMU"));
    }
}

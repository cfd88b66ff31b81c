//! A client of the Network Block Device protocol: reads the disks of a machine at one instant, and what changed in them.
//!
//! Fixed newstyle handshake, TLS by STARTTLS, structured replies, block status over several metadata contexts, and
//! many reads in flight over one connection. The server is not trusted: every length that it sends is held against
//! what was asked for. Protocol: <https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md>.
//!
//! Deliberately absent: writing, and everything that is not needed to read a point.

mod handshake;
mod replies;
mod wire;

use crate::clouds::error::{Error, Kind, Result};
use bytes::Bytes;
use replies::{Answer, Call, Pending};
use rustls::ClientConfig;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, WriteHalf},
    net::TcpStream,
    sync::{Mutex, oneshot},
    task::JoinHandle,
};

/// Which export of which server, and what to ask about it.
#[derive(Clone)]
pub struct Target {
    pub host: String,
    pub port: u16,
    pub export: String,
    /// `None`: in clear, for tests and for hosts that were explicitly called insecure.
    pub tls: Option<Arc<ClientConfig>>,
    /// The name or address that the server's certificate must carry; `host` when empty.
    pub server_name: String,
    /// Metadata contexts, such as `base:allocation` or `qemu:dirty-bitmap:backup-vda`.
    pub contexts: Vec<String>,
}

/// A run of bytes with the flags of one metadata context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub offset: u64,
    pub length: u64,
    /// `base:allocation`: bit 0 hole, bit 1 reads as zeroes. `qemu:dirty-bitmap`: bit 0 dirty.
    pub flags: u32,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}
type Wire = Box<dyn Stream>;

/// One connection. Calls may be made from several tasks at once.
pub struct Client {
    size: u64,
    contexts: BTreeMap<String, u32>,
    out: Mutex<WriteHalf<Wire>>,
    pending: Arc<Pending>,
    next: AtomicU64,
    timeout: Duration,
    reader: JoinHandle<()>,
}

impl Client {
    /// `timeout` is for the whole handshake and later for each call.
    ///
    /// # Errors
    /// `Transient` when the server does not answer, `Auth` when it refuses us, `Identity` when its certificate is
    /// wrong, `NotFound` for an unknown export, `Unsupported` when it lacks structured replies or a context.
    pub async fn connect(target: &Target, timeout: Duration) -> Result<Self> {
        let late =
            |_| Error::transient(format!("The disk server {}:{} did not answer within {} s.", target.host, target.port, timeout.as_secs()));
        let (wire, export) = tokio::time::timeout(timeout, open(target)).await.map_err(late)??;
        let (input, out) = tokio::io::split(wire);
        let pending = Arc::new(Pending::default());
        let reader = tokio::spawn(replies::pump(input, pending.clone()));
        Ok(Self { size: export.size, contexts: export.contexts, out: Mutex::new(out), pending, next: AtomicU64::new(1), timeout, reader })
    }

    /// Bytes of the disk.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Everything about one context, in ascending order, neighbours with the same flags merged.
    ///
    /// # Errors
    /// `Unsupported` when the server did not offer the context, or what happened to the connection.
    pub async fn extents(&self, context: &str) -> Result<Vec<Run>> {
        let id =
            *self.contexts.get(context).ok_or_else(|| Error::new(Kind::Unsupported, format!("The disk server has no '{context}'.")))?;
        let (mut at, mut out) = (0, Vec::<Run>::new());
        while at < self.size {
            let length = (self.size - at).min(wire::MAX_STATUS);
            let runs = self.status(id, at, length as u32).await?;
            let before = at;
            for (run, flags) in runs {
                let length = u64::from(run).min(self.size - at);
                match out.last_mut() {
                    Some(last) if last.flags == flags => last.length += length,
                    _ => out.push(Run { offset: at, length, flags }),
                }
                at += length;
            }
            if at == before {
                return Err(Error::permanent("The disk server described no bytes at all."));
            }
        }
        Ok(out)
    }

    /// `length` must be at most 32 MiB and lie within the disk.
    ///
    /// # Errors
    /// The server's own, or what happened to the connection.
    pub async fn read(&self, offset: u64, length: u32) -> Result<Bytes> {
        if u64::from(length) > wire::MAX_READ || offset.checked_add(u64::from(length)).is_none_or(|end| end > self.size) {
            return Err(Error::permanent(format!("A read of {length} bytes at {offset} does not fit the disk of {} bytes.", self.size)));
        }
        let (done, answer) = oneshot::channel();
        match self.call(wire::READ, offset, length, Call::read(offset, length, done), answer).await? {
            Answer::Data(bytes) => Ok(bytes),
            Answer::Status(_) => Err(Error::permanent("The disk server answered a read with something else.")),
        }
    }

    async fn status(&self, context: u32, offset: u64, length: u32) -> Result<Vec<(u32, u32)>> {
        let (done, answer) = oneshot::channel();
        match self.call(wire::BLOCK_STATUS, offset, length, Call::status(context, done), answer).await? {
            Answer::Status(runs) => Ok(runs),
            Answer::Data(_) => Err(Error::permanent("The disk server answered a status request with data.")),
        }
    }

    async fn call(&self, command: u16, offset: u64, length: u32, call: Call, answer: oneshot::Receiver<Result<Answer>>) -> Result<Answer> {
        let cookie = self.next.fetch_add(1, Ordering::Relaxed);
        self.pending.insert(cookie, call)?;
        let work = async {
            let request = wire::request(command, cookie, offset, length);
            self.send(&request).await.map_err(lost)?;
            answer.await.unwrap_or_else(|_| Err(Error::transient("The connection to the disk server was closed.")))
        };
        let late = |_| Err(Error::transient(format!("The disk server did not answer within {} s.", self.timeout.as_secs())));
        let result = tokio::time::timeout(self.timeout, work).await.unwrap_or_else(late);
        self.pending.forget(cookie);
        result
    }

    /// Flushed: a TLS stream may keep the last bytes to itself otherwise.
    async fn send(&self, request: &[u8]) -> std::io::Result<()> {
        let mut out = self.out.lock().await;
        out.write_all(request).await?;
        out.flush().await
    }

    /// Says good-bye; what is still in flight fails.
    pub async fn close(self) {
        let request = wire::request(wire::DISCONNECT, 0, 0, 0);
        let goodbye = async {
            let _ = self.send(&request).await;
            let _ = self.out.lock().await.shutdown().await;
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), goodbye).await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn open(target: &Target) -> Result<(Wire, handshake::Export)> {
    let tcp = TcpStream::connect((target.host.as_str(), target.port)).await.map_err(|e| {
        Error::transient(format!("Cannot reach the disk server {}:{}: {e}. Is the port open to this node?", target.host, target.port))
    })?;
    tcp.set_nodelay(true).map_err(lost)?;
    handshake::run(tcp, target).await
}

fn lost(e: std::io::Error) -> Error {
    Error::transient(format!("The connection to the disk server broke: {e}"))
}

#[cfg(test)]
mod tests;

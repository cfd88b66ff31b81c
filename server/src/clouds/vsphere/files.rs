//! Files on datastores, over HTTP: parts of them are read, whole ones are written.

use super::{
    inventory::places::Store,
    layers::ReadAt,
    link::{Link, Ref},
    task,
    xml::{Node, tag},
};
use crate::clouds::{
    error::{Error, Kind, Result},
    http,
};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::{Body, RequestBuilder, StatusCode, header};
use std::{io, sync::Arc};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinHandle,
};
use tokio_stream::wrappers::ReceiverStream;
use url::Url;

/// Asked for at once: a request has its price, whatever its length.
const WINDOW: u64 = 8 << 20;
/// Pieces between the two ends of an upload; with 4 MiB each at most 16 MiB.
const QUEUE: usize = 4;

/// `folder/file` on a datastore, for HTTP.
pub fn address(base: &str, store: &Store, path: &str) -> Result<Url> {
    let broken = |_| Error::permanent(format!("[{}] {path} cannot be written as an address.", store.name));
    let mut url = Url::parse(base).map_err(broken)?;
    if let Ok(mut parts) = url.path_segments_mut() {
        parts.clear().push("folder").extend(path.split('/'));
    }
    url.query_pairs_mut().append_pair("dcPath", &store.datacenter_path).append_pair("dsName", &store.name);
    Ok(url)
}

/// `[datastore] folder/file`, for SOAP.
pub fn path(store: &Store, path: &str) -> String {
    format!("[{}] {path}", store.name)
}

/// Reads `length` bytes from `offset` on; fewer where the file ends.
///
/// # Errors
/// By kind; `NotFound`.
pub async fn range(link: &Link, store: &Store, file: &str, offset: u64, length: u64) -> Result<Bytes> {
    let what = format!("Reading {}", path(store, file));
    let range = format!("bytes={offset}-{}", offset + length - 1);
    let answer = send(link, &what, |http| Ok(http.get(address(&link.config.base, store, file)?).header(header::RANGE, &range))).await?;
    match answer.status() {
        StatusCode::PARTIAL_CONTENT => answer.bytes().await.map_err(|error| http::unanswered(&what, false, &error)),
        StatusCode::RANGE_NOT_SATISFIABLE => Ok(Bytes::new()),
        StatusCode::OK => Err(Error::new(Kind::Unsupported, format!("{what}: this server gives whole files only (no ranges)."))),
        status => Err(refused(&what, status)),
    }
}

/// A small file as a whole; `None`: it is not there.
///
/// # Errors
/// By kind.
pub async fn get(link: &Link, store: &Store, file: &str) -> Result<Option<Bytes>> {
    let what = format!("Reading {}", path(store, file));
    let answer = send(link, &what, |http| Ok(http.get(address(&link.config.base, store, file)?))).await?;
    match answer.status() {
        StatusCode::OK => answer.bytes().await.map(Some).map_err(|error| http::unanswered(&what, false, &error)),
        StatusCode::NOT_FOUND => Ok(None),
        status => Err(refused(&what, status)),
    }
}

/// With the session's cookie; once more when that is over.
async fn send(link: &Link, what: &str, request: impl Fn(&reqwest::Client) -> Result<RequestBuilder>) -> Result<reqwest::Response> {
    for again in [true, false] {
        let cookie = link.cookie().await?;
        link.meter.count("file", "GET");
        let answer = request(&link.http)?.header(header::COOKIE, cookie).send().await;
        let answer = answer.map_err(|error| http::unanswered(what, false, &error))?;
        if answer.status() == StatusCode::UNAUTHORIZED && again {
            link.forget().await;
            continue;
        }
        return Ok(answer);
    }
    Err(Error::new(Kind::Auth, format!("{what}: the session was refused twice.")))
}

pub fn refused(what: &str, status: StatusCode) -> Error {
    let kind = match status.as_u16() {
        401 | 403 => Kind::Auth,
        404 => Kind::NotFound,
        409 => Kind::Conflict,
        507 => Kind::Full,
        408 | 429 | 500..=599 => Kind::Transient,
        _ => Kind::Permanent,
    };
    Error::new(kind, format!("{what}: the server answered with status {status}."))
}

/// A stream of known length on its way.
pub struct Upload {
    what: String,
    length: u64,
    at: u64,
    parts: mpsc::Sender<io::Result<Bytes>>,
    done: JoinHandle<Result<()>>,
}

impl Upload {
    /// To a file on a datastore. The cookie must be good: the body can be sent once only.
    ///
    /// # Errors
    /// The sign-in's.
    pub async fn file(link: &Arc<Link>, store: &Store, file: &str, length: u64) -> Result<Self> {
        // A look first, so that a session that is over is noticed.
        link.ask("CurrentTime", &Ref::new("ServiceInstance", "ServiceInstance"), "").await?;
        let cookie = link.cookie().await?;
        link.meter.count("file", "PUT");
        let request = link.http.put(address(&link.config.base, store, file)?).header(header::COOKIE, cookie);
        Ok(Self::begin(format!("Writing {}", path(store, file)), request.header(header::CONTENT_TYPE, "application/octet-stream"), length))
    }

    pub fn begin(what: String, request: RequestBuilder, length: u64) -> Self {
        let (parts, queue) = mpsc::channel(QUEUE);
        let request = request.header(header::CONTENT_LENGTH, length).body(Body::wrap_stream(ReceiverStream::new(queue)));
        let name = what.clone();
        let done = tokio::spawn(async move {
            let answer = request.send().await.map_err(|error| http::unanswered(&name, true, &error))?;
            if answer.status().is_success() { Ok(()) } else { Err(refused(&name, answer.status())) }
        });
        Self { what, length, at: 0, parts, done }
    }

    pub fn at(&self) -> u64 {
        self.at
    }

    /// # Errors
    /// The server's, when it gave up.
    pub async fn push(&mut self, data: Bytes) -> Result<()> {
        self.at += data.len() as u64;
        if self.parts.send(Ok(data)).await.is_ok() {
            return Ok(());
        }
        answer(&self.what, (&mut self.done).await).and(Err(Error::transient(format!("{}: it ended early.", self.what))))
    }

    /// # Errors
    /// The server's, or not all of it was sent.
    pub async fn finish(self) -> Result<()> {
        if self.at != self.length {
            return Err(Error::permanent(format!("{}: {} bytes were sent where {} were announced.", self.what, self.at, self.length)));
        }
        drop(self.parts);
        answer(&self.what, self.done.await)
    }

    /// Ends it in a way that the other side takes for an end by force.
    pub async fn abort(self) {
        let _ = self.parts.send(Err(io::Error::other("given up"))).await;
        drop(self.parts);
        let _ = self.done.await;
    }
}

fn answer(what: &str, done: std::result::Result<Result<()>, tokio::task::JoinError>) -> Result<()> {
    done.map_err(|_| Error::permanent(format!("{what}: it panicked; see the log.")))?
}

/// # Errors
/// By kind.
pub async fn put(link: &Arc<Link>, store: &Store, file: &str, data: Bytes) -> Result<()> {
    let mut upload = Upload::file(link, store, file, data.len() as u64).await?;
    upload.push(data).await?;
    upload.finish().await
}

/// There already is fine.
///
/// # Errors
/// By kind.
pub async fn make_folder(link: &Link, store: &Store, folder: &str) -> Result<()> {
    let args = format!(
        "{}{}<createParentDirectories>true</createParentDirectories>",
        tag("name", path(store, folder)),
        store.datacenter.xml("datacenter")
    );
    let manager = link.session().await?.service("fileManager")?;
    match link.change("MakeDirectory", &manager, &args).await {
        Err(error) if error.kind == Kind::Conflict => Ok(()),
        other => other.map(drop),
    }
}

/// Gone already is fine. A folder goes with all that is in it.
///
/// # Errors
/// By kind.
pub async fn delete(link: &Link, store: &Store, file: &str) -> Result<()> {
    let args = format!("{}{}", tag("name", path(store, file)), store.datacenter.xml("datacenter"));
    let manager = link.session().await?.service("fileManager")?;
    match task::run(link, "DeleteDatastoreFile_Task", &manager, &args).await {
        Err(error) if error.kind == Kind::NotFound => Ok(()),
        other => other.map(drop),
    }
}

/// Names and bytes of what is in a folder; empty where there is none.
///
/// # Errors
/// By kind.
pub async fn list(link: &Link, store: &Store, folder: &str) -> Result<Vec<(String, u64)>> {
    let details = "<details><fileType>false</fileType><fileSize>true</fileSize><modification>false</modification><fileOwner>false</fileOwner></details>";
    let args = format!("{}<searchSpec>{details}<matchPattern>*</matchPattern></searchSpec>", tag("datastorePath", path(store, folder)));
    match task::run(link, "SearchDatastore_Task", &store.browser, &args).await {
        Ok(found) => Ok(found.all("file").filter_map(entry).collect()),
        Err(error) if error.kind == Kind::NotFound => Ok(vec![]),
        Err(error) => Err(error),
    }
}

fn entry(file: &Node) -> Option<(String, u64)> {
    Some((file.get("path")?.to_owned(), file.number("fileSize").unwrap_or_default()))
}

/// A file that can be read anywhere.
pub struct DatastoreFile {
    link: Arc<Link>,
    store: Store,
    path: String,
    /// The part that was read last, and where it begins: readers go forward.
    window: Mutex<(u64, Bytes)>,
}

impl DatastoreFile {
    pub fn new(link: Arc<Link>, store: Store, path: String) -> Self {
        Self { link, store, path, window: Mutex::default() }
    }
}

#[async_trait]
impl ReadAt for DatastoreFile {
    async fn read_at(&self, offset: u64, length: u64) -> Result<Bytes> {
        let mut window = self.window.lock().await;
        let inside = |window: &(u64, Bytes)| offset >= window.0 && offset + length <= window.0 + window.1.len() as u64;
        if !inside(&window) {
            *window = (offset, range(&self.link, &self.store, &self.path, offset, length.max(WINDOW)).await?);
        }
        let (start, data) = &*window;
        let from = ((offset - start) as usize).min(data.len());
        let part = data.slice(from..(from + length as usize).min(data.len()));
        if part.len() as u64 == length {
            return Ok(part);
        }
        // Beyond the end there are zeroes.
        let mut padded = BytesMut::from(&part[..]);
        padded.resize(length as usize, 0);
        Ok(padded.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_may_have_anything_in_their_names() {
        let store = Store {
            id: Ref::new("Datastore", "d"),
            name: "ds 1&2".into(),
            browser: Ref::new("HostDatastoreBrowser", "b"),
            datacenter: Ref::new("Datacenter", "dc"),
            datacenter_path: "eu/Wien".into(),
            kind: "VMFS".into(),
            free: 0,
        };
        let url = address("https://vc.example", &store, "crossfade/l 1/a%b.json").unwrap();
        assert_eq!(url.as_str(), "https://vc.example/folder/crossfade/l%201/a%25b.json?dcPath=eu%2FWien&dsName=ds+1%262");
        assert_eq!(path(&store, "a/b"), "[ds 1&2] a/b");
    }

    #[test]
    fn statuses_have_a_kind() {
        assert_eq!(refused("x", StatusCode::NOT_FOUND).kind, Kind::NotFound);
        assert_eq!(refused("x", StatusCode::INSUFFICIENT_STORAGE).kind, Kind::Full);
        assert_eq!(refused("x", StatusCode::BAD_GATEWAY).kind, Kind::Transient);
    }
}

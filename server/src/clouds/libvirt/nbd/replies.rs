//! The reading side: one task that brings each chunk to the call that waits for it.

use super::{Wire, wire};
use crate::clouds::error::{Error, Result};
use bytes::Bytes;
use std::{
    collections::HashMap,
    io,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, BufReader, ReadHalf},
    sync::oneshot,
};

pub enum Answer {
    Data(Bytes),
    /// Length and flags of each run, from the offset asked for.
    Status(Vec<(u32, u32)>),
}

/// A call that waits. Chunks may come in any order and several to a call.
pub struct Call {
    want: Want,
    error: Option<String>,
    done: oneshot::Sender<Result<Answer>>,
}

enum Want {
    Read { offset: u64, data: Vec<u8>, filled: Filled },
    Status { context: u32, runs: Vec<(u32, u32)> },
}

impl Call {
    pub fn read(offset: u64, length: u32, done: oneshot::Sender<Result<Answer>>) -> Self {
        Self { want: Want::Read { offset, data: vec![0; length as usize], filled: Filled::default() }, error: None, done }
    }
    pub fn status(context: u32, done: oneshot::Sender<Result<Answer>>) -> Self {
        Self { want: Want::Status { context, runs: vec![] }, error: None, done }
    }

    fn finish(self) {
        let answer = match (self.error, self.want) {
            (Some(error), _) => Err(Error::permanent(format!("The disk server reports: {error}"))),
            (None, Want::Read { data, filled, .. }) if filled.bytes() == data.len() => Ok(Answer::Data(data.into())),
            (None, Want::Read { .. }) => Err(Error::permanent("The disk server sent fewer bytes than it was asked for.")),
            (None, Want::Status { runs, .. }) => Ok(Answer::Status(runs)),
        };
        // Whoever asked may have given up.
        let _ = self.done.send(answer);
    }
}

#[derive(Default)]
pub struct Pending(Mutex<State>);

#[derive(Default)]
struct State {
    calls: HashMap<u64, Call>,
    /// Calls that gave up: what still comes for them is read and dropped.
    given_up: HashMap<u64, Want>,
    broken: Option<String>,
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// The connection is broken already.
    pub fn insert(&self, cookie: u64, call: Call) -> Result<()> {
        let mut state = self.lock();
        if let Some(why) = &state.broken {
            return Err(Error::transient(why.clone()));
        }
        state.calls.insert(cookie, call);
        Ok(())
    }

    /// The caller no longer waits; harmless when the answer has come.
    pub fn forget(&self, cookie: u64) {
        let mut state = self.lock();
        if let Some(call) = state.calls.remove(&cookie) {
            state.given_up.insert(cookie, call.want);
        }
    }

    fn take(&self, cookie: u64) -> io::Result<Call> {
        let mut state = self.lock();
        if let Some(call) = state.calls.remove(&cookie) {
            return Ok(call);
        }
        // A stand-in that nobody listens to.
        let want = state.given_up.remove(&cookie).ok_or_else(|| invalid("an answer that nobody asked for"))?;
        Ok(Call { want, error: None, done: oneshot::channel().0 })
    }

    fn give_back(&self, cookie: u64, call: Call) {
        self.lock().calls.insert(cookie, call);
    }

    fn fail_all(&self, why: String) {
        let mut state = self.lock();
        for (_, call) in state.calls.drain() {
            let _ = call.done.send(Err(Error::transient(why.clone())));
        }
        state.broken = Some(why);
    }
}

/// Reads until the connection ends; then every waiting call fails with the reason.
pub async fn pump(input: ReadHalf<Wire>, pending: Arc<Pending>) {
    let mut input = BufReader::with_capacity(128 << 10, input);
    let error = loop {
        if let Err(error) = one(&mut input, &pending).await {
            break error;
        }
    };
    pending.fail_all(format!("The connection to the disk server broke: {error}"));
}

async fn one(input: &mut (impl AsyncRead + Unpin), pending: &Pending) -> io::Result<()> {
    match input.read_u32().await? {
        wire::STRUCTURED_REPLY => chunk(input, pending).await,
        wire::SIMPLE_REPLY => simple(input, pending).await,
        _ => Err(invalid("an answer without its mark")),
    }
}

/// Only errors come in this form once structured replies were agreed.
async fn simple(input: &mut (impl AsyncRead + Unpin), pending: &Pending) -> io::Result<()> {
    let (code, cookie) = (input.read_u32().await?, input.read_u64().await?);
    let mut call = pending.take(cookie)?;
    call.error = Some(format!("error {code}"));
    call.finish();
    Ok(())
}

async fn chunk(input: &mut (impl AsyncRead + Unpin), pending: &Pending) -> io::Result<()> {
    let (flags, kind) = (input.read_u16().await?, input.read_u16().await?);
    let (cookie, length) = (input.read_u64().await?, input.read_u32().await?);
    let mut call = pending.take(cookie)?;
    let payload = payload(input, &mut call, kind, length).await;
    match payload {
        // Put back, so that the caller hears of the broken connection like all others.
        Err(_) => pending.give_back(cookie, call),
        Ok(()) if flags & wire::CHUNK_DONE != 0 => call.finish(),
        Ok(()) => pending.give_back(cookie, call),
    }
    payload
}

async fn payload(input: &mut (impl AsyncRead + Unpin), call: &mut Call, kind: u16, length: u32) -> io::Result<()> {
    match (kind, &mut call.want) {
        (wire::CHUNK_NONE, _) if length == 0 => Ok(()),
        (wire::CHUNK_DATA, Want::Read { offset, data, filled }) if length > 8 => {
            let at = input.read_u64().await?;
            let room = place(*offset, data, at, length - 8, filled)?;
            input.read_exact(room).await.map(drop)
        }
        (wire::CHUNK_HOLE, Want::Read { offset, data, filled }) if length == 12 => {
            let (at, zeroes) = (input.read_u64().await?, input.read_u32().await?);
            place(*offset, data, at, zeroes, filled)?.fill(0);
            Ok(())
        }
        (wire::CHUNK_STATUS, Want::Status { context, runs }) if length >= 12 && length % 8 == 4 && length <= wire::MAX_STATUS_CHUNK => {
            let mine = input.read_u32().await? == *context;
            for _ in 0..(length - 4) / 8 {
                let run = (input.read_u32().await?, input.read_u32().await?);
                if mine && runs.len() < (128 << 10) {
                    runs.push(run);
                }
            }
            Ok(())
        }
        (kind, _) if kind & wire::CHUNK_ERROR != 0 && (6..=wire::MAX_ERROR_CHUNK).contains(&length) => {
            let mut bytes = vec![0; length as usize];
            input.read_exact(&mut bytes).await?;
            call.error = Some(words(&bytes));
            Ok(())
        }
        _ => Err(invalid("a chunk that does not fit the question")),
    }
}

/// The part of the buffer that a chunk fills, and that no chunk before it did.
fn place<'a>(offset: u64, data: &'a mut [u8], at: u64, length: u32, filled: &mut Filled) -> io::Result<&'a mut [u8]> {
    let from = at.checked_sub(offset).and_then(|f| usize::try_from(f).ok());
    let range = from.and_then(|f| Some(f..f.checked_add(length as usize)?)).filter(|r| r.end <= data.len());
    let range = range.ok_or_else(|| invalid("bytes that nobody asked for"))?;
    if !filled.take(range.clone()) {
        return Err(invalid("the same bytes twice"));
    }
    data.get_mut(range).ok_or_else(|| invalid("bytes that nobody asked for"))
}

/// Which parts of a read have come: counting bytes alone would take the same piece twice for the whole.
#[derive(Default)]
struct Filled(Vec<Range<usize>>);

/// A server that cuts a read into more pieces than this means no good.
const PIECES: usize = 4096;

impl Filled {
    fn bytes(&self) -> usize {
        self.0.iter().map(ExactSizeIterator::len).sum()
    }

    /// `false`: some of it is there already.
    fn take(&mut self, range: Range<usize>) -> bool {
        let at = self.0.partition_point(|one| one.end <= range.start);
        if range.is_empty() || self.0.len() >= PIECES || self.0.get(at).is_some_and(|next| next.start < range.end) {
            return range.is_empty();
        }
        match at.checked_sub(1).and_then(|before| self.0.get_mut(before)) {
            Some(before) if before.end == range.start => before.end = range.end,
            _ => self.0.insert(at, range),
        }
        true
    }
}

/// Error number, length of the message, message.
fn words(bytes: &[u8]) -> String {
    let code = bytes.first_chunk::<4>().map_or(0, |c| u32::from_be_bytes(*c));
    let text = String::from_utf8_lossy(bytes.get(6..).unwrap_or_default()).trim_matches('\0').to_owned();
    if text.is_empty() { format!("error {code}") } else { format!("{text} (error {code})") }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it sent {what}"))
}

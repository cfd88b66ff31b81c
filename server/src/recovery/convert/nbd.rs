//! A server of the Network Block Device protocol, as small as QEMU's client allows: one disk on a unix socket, read only.
//!
//! Fixed newstyle handshake, simple replies. Whoever may open the socket may read: it lies in a folder of ours alone.
//! Protocol: <https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md>. The crates for it were looked at: one is
//! synchronous, the other one under the GPL.

use super::disk::Disk;
use crate::clouds::MAX_READ;
use std::{io, path::Path, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    task::JoinSet,
};

const MAGIC: u64 = u64::from_be_bytes(*b"NBDMAGIC");
const OPTION: u64 = u64::from_be_bytes(*b"IHAVEOPT");
const OPTION_REPLY: u64 = 0x0003_e889_0455_65a9;
const REQUEST: u32 = 0x2560_9513;
const REPLY: u32 = 0x6744_6698;

/// Fixed newstyle, no zeroes after the export; the client's answer uses the same bits.
const HANDSHAKE: u16 = 3;
const NO_ZEROES: u32 = 2;
/// There are flags, read only, several connections see the same.
const EXPORT: u16 = 1 | 1 << 1 | 1 << 8;

const OPT_EXPORT_NAME: u32 = 1;
const OPT_ABORT: u32 = 2;
const OPT_INFO: u32 = 6;
const OPT_GO: u32 = 7;
const ACK: u32 = 1;
const INFO: u32 = 3;
const UNSUPPORTED: u32 = 1 << 31 | 1;
/// No client of ours has more to say in an option.
const MAX_OPTION: u32 = 64 << 10;

const READ: u16 = 0;
const DISCONNECT: u16 = 2;
const FLUSH: u16 = 3;

const EPERM: u32 = 1;
const EIO: u32 = 5;
const EINVAL: u32 = 22;

/// A disk at its socket, until it is dropped.
pub struct Server {
    _connections: JoinSet<()>,
}

impl Server {
    /// # Errors
    /// The socket cannot be made: its path is too long, or there is something already.
    pub fn start(path: &Path, disk: Arc<Disk>) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, disk));
        Ok(Self { _connections: tasks })
    }
}

async fn accept(listener: UnixListener, disk: Arc<Disk>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let disk = disk.clone();
        connections.spawn(async move {
            if let Err(error) = serve(stream, &disk).await {
                tracing::debug!(%error, "a client of a disk is gone");
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(mut stream: UnixStream, disk: &Disk) -> io::Result<()> {
    if !greet(&mut stream, disk.size()).await? {
        return Ok(());
    }
    loop {
        let mut header = [0; 28];
        if let Err(error) = stream.read_exact(&mut header).await {
            return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(()) } else { Err(error) };
        }
        let request = Request::parse(&header)?;
        match request.command {
            READ => answer(&mut stream, disk, &request).await?,
            DISCONNECT => return Ok(()),
            FLUSH => reply(&mut stream, 0, request.cookie).await?,
            // A write's data would follow: nobody that heeds the flags of the export sends one.
            _ => return reply(&mut stream, EPERM, request.cookie).await,
        }
    }
}

/// `false`: the client only wanted to look.
async fn greet(stream: &mut UnixStream, size: u64) -> io::Result<bool> {
    let mut hello = [0; 18];
    hello[..8].copy_from_slice(&MAGIC.to_be_bytes());
    hello[8..16].copy_from_slice(&OPTION.to_be_bytes());
    hello[16..].copy_from_slice(&HANDSHAKE.to_be_bytes());
    stream.write_all(&hello).await?;
    let no_zeroes = stream.read_u32().await? & NO_ZEROES != 0;
    loop {
        if stream.read_u64().await? != OPTION {
            return Err(nonsense("an option"));
        }
        let (option, length) = (stream.read_u32().await?, stream.read_u32().await?);
        if length > MAX_OPTION {
            return Err(nonsense("the length of an option"));
        }
        // There is one export, whatever it is called and whatever is asked about it.
        let mut data = vec![0; length as usize];
        stream.read_exact(&mut data).await?;
        match option {
            OPT_EXPORT_NAME => {
                let mut export = [size.to_be_bytes().as_slice(), &EXPORT.to_be_bytes()].concat();
                export.resize(export.len() + if no_zeroes { 0 } else { 124 }, 0);
                stream.write_all(&export).await?;
                return Ok(true);
            }
            OPT_INFO | OPT_GO => {
                for info in infos(size) {
                    tell(stream, option, INFO, &info).await?;
                }
                tell(stream, option, ACK, &[]).await?;
                if option == OPT_GO {
                    return Ok(true);
                }
            }
            OPT_ABORT => {
                tell(stream, option, ACK, &[]).await?;
                return Ok(false);
            }
            _ => tell(stream, option, UNSUPPORTED, &[]).await?,
        }
    }
}

/// The export, and which reads are good: any, best whole pages, none longer than a source may be asked for.
fn infos(size: u64) -> [Vec<u8>; 2] {
    let export = [0u16.to_be_bytes().as_slice(), &size.to_be_bytes(), &EXPORT.to_be_bytes()].concat();
    let blocks = [3u16.to_be_bytes().as_slice(), &1u32.to_be_bytes(), &4096u32.to_be_bytes(), &MAX_READ.to_be_bytes()].concat();
    [export, blocks]
}

async fn tell(stream: &mut UnixStream, option: u32, kind: u32, data: &[u8]) -> io::Result<()> {
    let length = u32::try_from(data.len()).unwrap_or_default();
    let reply = [OPTION_REPLY.to_be_bytes().as_slice(), &option.to_be_bytes(), &kind.to_be_bytes(), &length.to_be_bytes(), data].concat();
    stream.write_all(&reply).await
}

struct Request {
    command: u16,
    cookie: u64,
    offset: u64,
    length: u32,
}

impl Request {
    fn parse(header: &[u8; 28]) -> io::Result<Self> {
        let number = |from: usize, to: usize| header[from..to].iter().fold(0u64, |all, byte| all << 8 | u64::from(*byte));
        if number(0, 4) != u64::from(REQUEST) {
            return Err(nonsense("a request"));
        }
        let command = u16::try_from(number(6, 8)).unwrap_or(u16::MAX);
        let length = u32::try_from(number(24, 28)).unwrap_or(u32::MAX);
        Ok(Self { command, cookie: number(8, 16), offset: number(16, 24), length })
    }
}

async fn answer(stream: &mut UnixStream, disk: &Disk, request: &Request) -> io::Result<()> {
    let end = request.offset.checked_add(request.length.into());
    if request.length > MAX_READ || end.is_none_or(|end| end > disk.size()) {
        return reply(stream, EINVAL, request.cookie).await;
    }
    // What went wrong is kept by the disk, in words.
    let Ok(data) = disk.read(request.offset, request.length).await else { return reply(stream, EIO, request.cookie).await };
    reply(stream, 0, request.cookie).await?;
    stream.write_all(&data).await
}

async fn reply(stream: &mut UnixStream, error: u32, cookie: u64) -> io::Result<()> {
    stream.write_all(&[REPLY.to_be_bytes().as_slice(), &error.to_be_bytes(), &cookie.to_be_bytes()].concat()).await
}

fn nonsense(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a client sent something else than {what}"))
}

#[cfg(test)]
mod tests {
    use super::{super::disk::samples, *};
    use std::process::Command;

    fn run(program: &str, args: &[&str]) -> Option<String> {
        let out = Command::new(program).args(args).output().ok()?;
        assert!(out.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        Some(String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// By the clients that there are: QEMU's and libnbd's, where they are installed.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn clients_read_what_the_source_has() {
        let folder = tempfile::tempdir().unwrap();
        let (disk, wanted) = samples::disk(folder.path());
        let socket = folder.path().join("0.sock");
        let _server = Server::start(&socket, Arc::new(disk)).unwrap();
        let uri = format!("nbd+unix:///?socket={}", socket.display());
        let copy = folder.path().join("copy");
        let read = tokio::task::spawn_blocking(move || {
            let info = run("nbdinfo", &["--json", &uri]);
            let written = run("qemu-img", &["convert", "-f", "raw", "-O", "raw", &uri, &copy.display().to_string()]);
            (info, written.map(|_| std::fs::read(copy).unwrap()))
        });
        let (info, copied) = read.await.unwrap();
        if let Some(info) = info {
            let info: serde_json::Value = serde_json::from_str(&info).unwrap();
            let export = &info["exports"][0];
            assert_eq!(
                (export["export-size"].as_u64(), export["is_read_only"].as_bool()),
                (Some(wanted.len() as u64), Some(true)),
                "{info}"
            );
            assert_eq!(export["block_size_maximum"].as_u64(), Some(u64::from(MAX_READ)), "{info}");
        }
        assert!(copied.is_none_or(|copied| copied == wanted));
    }

    #[tokio::test]
    async fn nobody_reads_beyond_the_end_or_writes() {
        let folder = tempfile::tempdir().unwrap();
        let (disk, wanted) = samples::disk(folder.path());
        let size = wanted.len() as u64;
        let (mut client, server) = UnixStream::pair().unwrap();
        let serving = tokio::spawn(async move { serve(server, &disk).await });
        let mut hello = [0; 18];
        client.read_exact(&mut hello).await.unwrap();
        client.write_u32(3).await.unwrap();
        // An option that it does not know, then the old way in.
        for (option, name) in [(8u32, &b""[..]), (OPT_EXPORT_NAME, b"any")] {
            client
                .write_all(&[&OPTION.to_be_bytes()[..], &option.to_be_bytes(), &(name.len() as u32).to_be_bytes(), name].concat())
                .await
                .unwrap();
            if option == 8 {
                let mut refused = [0; 20];
                client.read_exact(&mut refused).await.unwrap();
                assert_eq!(refused[12..16], UNSUPPORTED.to_be_bytes());
            }
        }
        assert_eq!((client.read_u64().await.unwrap(), client.read_u16().await.unwrap()), (size, EXPORT));
        for (command, offset, length, error) in
            [(READ, size - 1, 2, EINVAL), (READ, u64::MAX, 1, EINVAL), (READ, 0, MAX_READ + 1, EINVAL), (READ, 3, 5, 0), (1, 0, 512, EPERM)]
        {
            let request = [
                &REQUEST.to_be_bytes()[..],
                &0u16.to_be_bytes(),
                &command.to_be_bytes(),
                &7u64.to_be_bytes(),
                &offset.to_be_bytes(),
                &u32::to_be_bytes(length),
            ]
            .concat();
            client.write_all(&request).await.unwrap();
            assert_eq!(
                (client.read_u32().await.unwrap(), client.read_u32().await.unwrap(), client.read_u64().await.unwrap()),
                (REPLY, error, 7),
                "{command} {offset}"
            );
            if error == 0 {
                let mut data = vec![0; length as usize];
                client.read_exact(&mut data).await.unwrap();
                assert_eq!(data, wanted[3..8]);
            }
        }
        assert!(serving.await.unwrap().is_ok());
    }
}

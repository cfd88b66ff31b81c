//! From a fresh connection to an export that can be read.

use super::{Stream, Target, Wire, lost, wire};
use crate::clouds::error::{Error, Kind, Result};
use rustls_pki_types::ServerName;
use std::collections::BTreeMap;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub struct Export {
    pub size: u64,
    pub contexts: BTreeMap<String, u32>,
}

pub async fn run(mut tcp: TcpStream, target: &Target) -> Result<(Wire, Export)> {
    greet(&mut tcp).await?;
    let mut wire: Wire = match &target.tls {
        None => Box::new(tcp),
        Some(_) => start_tls(tcp, target).await?,
    };
    structured(&mut wire).await?;
    let contexts = set_contexts(&mut wire, target).await?;
    let size = go(&mut wire, target).await?;
    Ok((wire, Export { size, contexts }))
}

async fn greet(tcp: &mut TcpStream) -> Result<()> {
    let (magic, options) = (tcp.read_u64().await.map_err(lost)?, tcp.read_u64().await.map_err(lost)?);
    let flags = tcp.read_u16().await.map_err(lost)?;
    if magic != wire::NBD_MAGIC || options != wire::OPTION_MAGIC || flags & wire::FIXED_NEWSTYLE == 0 {
        return Err(Error::permanent("What answers there is no disk server (NBD, fixed newstyle)."));
    }
    let answer = u32::from(flags & (wire::FIXED_NEWSTYLE | wire::NO_ZEROES));
    tcp.write_u32(answer).await.map_err(lost)
}

async fn start_tls(mut tcp: TcpStream, target: &Target) -> Result<Wire> {
    let Some(config) = target.tls.clone() else { return Ok(Box::new(tcp)) };
    send(&mut tcp, wire::OPT_STARTTLS, &[]).await?;
    expect_ack(&mut tcp, wire::OPT_STARTTLS, "TLS").await?;
    let name = if target.server_name.is_empty() { &target.host } else { &target.server_name };
    let name =
        ServerName::try_from(name.clone()).map_err(|_| Error::permanent(format!("'{name}' is neither a host name nor an address.")))?;
    let tls = tokio_rustls::TlsConnector::from(config).connect(name, tcp).await;
    tls.map(|s| Box::new(s) as Wire)
        .map_err(|e| Error::new(Kind::Identity, format!("No trusted connection to the disk server {}: {e}", target.host)))
}

async fn structured(stream: &mut impl Stream) -> Result<()> {
    send(stream, wire::OPT_STRUCTURED, &[]).await?;
    expect_ack(stream, wire::OPT_STRUCTURED, "structured replies").await
}

async fn set_contexts(stream: &mut impl Stream, target: &Target) -> Result<BTreeMap<String, u32>> {
    let mut data = vec![];
    wire::text(&mut data, &target.export);
    data.extend((target.contexts.len() as u32).to_be_bytes());
    target.contexts.iter().for_each(|c| wire::text(&mut data, c));
    send(stream, wire::OPT_SET_CONTEXT, &data).await?;
    let mut out = BTreeMap::new();
    loop {
        let (kind, data) = reply(stream, wire::OPT_SET_CONTEXT).await?;
        match (kind, data.split_at_checked(4)) {
            (wire::REP_ACK, _) => return Ok(out),
            (wire::REP_CONTEXT, Some((id, name))) if out.len() < target.contexts.len() => {
                out.insert(String::from_utf8_lossy(name).into_owned(), u32::from_be_bytes([id[0], id[1], id[2], id[3]]));
            }
            _ => return Err(refused(kind, &data, "the metadata contexts")),
        }
    }
}

async fn go(stream: &mut impl Stream, target: &Target) -> Result<u64> {
    let mut data = vec![];
    wire::text(&mut data, &target.export);
    data.extend([0, 0]);
    send(stream, wire::OPT_GO, &data).await?;
    let mut size = None;
    // One INFO for each kind of information, of which there are a handful.
    for _ in 0..16 {
        let (kind, data) = reply(stream, wire::OPT_GO).await?;
        match kind {
            wire::REP_ACK => return size.ok_or_else(|| Error::permanent("The disk server did not say how large the disk is.")),
            wire::REP_INFO => {
                if let [0, 0, bytes @ ..] = data.as_slice()
                    && let Some(bytes) = bytes.first_chunk::<8>()
                {
                    debug_assert_eq!(wire::INFO_EXPORT, 0);
                    size = Some(u64::from_be_bytes(*bytes));
                }
            }
            _ => return Err(refused(kind, &data, &format!("the disk '{}'", target.export))),
        }
    }
    Err(Error::permanent("The disk server does not come to an end."))
}

async fn send(stream: &mut impl Stream, option: u32, data: &[u8]) -> Result<()> {
    stream.write_all(&wire::option(option, data)).await.map_err(lost)?;
    stream.flush().await.map_err(lost)
}

async fn expect_ack(stream: &mut impl Stream, option: u32, what: &str) -> Result<()> {
    match reply(stream, option).await? {
        (wire::REP_ACK, _) => Ok(()),
        (kind, data) => Err(refused(kind, &data, what)),
    }
}

async fn reply(stream: &mut impl Stream, option: u32) -> Result<(u32, Vec<u8>)> {
    let magic = stream.read_u64().await.map_err(lost)?;
    let (to, kind, length) = (read32(stream).await?, read32(stream).await?, read32(stream).await?);
    if magic != wire::OPTION_REPLY || to != option || length > wire::MAX_OPTION {
        return Err(Error::permanent("The disk server does not keep to the protocol."));
    }
    let mut data = vec![0; length as usize];
    stream.read_exact(&mut data).await.map_err(lost)?;
    Ok((kind, data))
}

async fn read32(stream: &mut impl Stream) -> Result<u32> {
    stream.read_u32().await.map_err(lost)
}

fn refused(kind: u32, data: &[u8], what: &str) -> Error {
    let words = String::from_utf8_lossy(data);
    let (error, why) = match kind {
        wire::ERR_POLICY => (Kind::Auth, "not allowed"),
        wire::ERR_TLS_REQUIRED => (Kind::Auth, "it demands TLS"),
        wire::ERR_UNKNOWN => (Kind::NotFound, "there is no such disk"),
        k if k & wire::REP_ERROR != 0 => (Kind::Unsupported, "not supported"),
        _ => (Kind::Permanent, "an answer that does not fit"),
    };
    Error::new(error, format!("The disk server refused {what}: {why}. {words}").trim_end().to_owned())
}

//! A lease under which a host takes the disks of one new machine, or gives out those of a snapshot. When nobody keeps it alive, the
//! server ends it after minutes, and removes the machine that was being made: nothing is left behind by a node that was killed.

use super::{
    fault,
    files::{self, Upload},
    inventory::places::Target,
    link::{Link, Ref},
    props, task,
    vmdk::{GRAIN, Layout, Writer},
    xml::{Node, tag},
};
use crate::clouds::{
    error::{Error, Result},
    http::{self, tls},
};
use bytes::Bytes;
use reqwest::{Client, header};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;

/// Servers give five minutes by default.
const BEAT: Duration = Duration::from_secs(20);

pub struct Lease {
    link: Arc<Link>,
    id: Ref,
    /// The machine that is being made.
    pub machine: Ref,
    disks: Vec<Url>,
    beat: JoinHandle<()>,
}

/// Where one disk is sent.
struct Url {
    address: String,
    /// SHA-1 of the host's certificate, hex.
    thumbprint: Option<String>,
}

/// `config`: the `configSpec` of the new machine.
///
/// # Errors
/// By kind.
pub async fn import(link: &Arc<Link>, target: &Target, config: &str) -> Result<Lease> {
    let spec = format!("<spec xsi:type=\"VirtualMachineImportSpec\"><configSpec>{config}</configSpec></spec>");
    let args = format!("{spec}{}{}", target.folder.xml("folder"), target.host.xml("host"));
    let id = Ref::of(&link.change("ImportVApp", &target.pool, &args).await?);
    open(link, "ImportVApp", id).await
}

/// All disks of a snapshot, each as a stream.
///
/// # Errors
/// By kind.
pub async fn export(link: &Arc<Link>, snapshot: &Ref) -> Result<Lease> {
    let id = Ref::of(&link.change("ExportSnapshot", snapshot, "").await?);
    open(link, "ExportSnapshot", id).await
}

async fn open(link: &Arc<Link>, what: &str, id: Ref) -> Result<Lease> {
    match ready(link, what, &id).await {
        Ok((machine, disks)) => {
            let beat = tokio::spawn(keep_alive(link.clone(), id.clone()));
            Ok(Lease { link: link.clone(), id, machine, disks, beat })
        }
        Err(error) => {
            // The first error is the one to tell.
            let _ = link.change("HttpNfcLeaseAbort", &id, "").await;
            Err(error)
        }
    }
}

async fn ready(link: &Link, what: &str, id: &Ref) -> Result<(Ref, Vec<Url>)> {
    let seen = task::until(link, id, &["state", "error"], |seen| matches!(seen.get("state"), Some("ready" | "error"))).await?;
    if seen.get("state") == Some("error") {
        return Err(fault::of_task(what, &seen.prop("error").cloned().unwrap_or_default()));
    }
    let seen = props::one(link, id, &["info"]).await?;
    let info = seen.prop("info").ok_or_else(|| Error::permanent(format!("{what}: the lease says nothing of itself.")))?;
    let machine = info.child("entity").map(Ref::of).ok_or_else(|| Error::permanent(format!("{what}: the lease names no machine.")))?;
    let disks = info.all("deviceUrl").filter(|one| one.flag("disk")).filter_map(|one| url(one, &link.config.base)).collect();
    Ok((machine, disks))
}

/// A star stands for the server that was asked.
fn url(device: &Node, base: &str) -> Option<Url> {
    let (_, path) = device.get("url")?.split_once("://")?;
    let address = match path.split_once('/') {
        Some(("*", path)) => format!("{base}/{path}"),
        _ => device.get("url")?.to_owned(),
    };
    let thumbprint = device.get("sslThumbprint").map(|print| print.replace(':', "").to_lowercase()).filter(|print| print.len() == 40);
    Some(Url { address, thumbprint })
}

async fn keep_alive(link: Arc<Link>, id: Ref) {
    loop {
        tokio::time::sleep(BEAT).await;
        let args = tag("percent", 50);
        if let Err(error) = link.change("HttpNfcLeaseProgress", &id, &args).await {
            tracing::debug!(%error, "an import lease is not kept alive");
        }
    }
}

impl Lease {
    pub fn disks(&self) -> usize {
        self.disks.len()
    }

    /// # Errors
    /// By kind.
    pub fn send(&self, disk: usize, layout: Layout) -> Result<DiskStream> {
        let url = self.disks.get(disk).ok_or_else(|| Error::permanent("The server asked for fewer disks than the machine has."))?;
        let http = client(&self.link, url)?;
        self.link.meter.count("disk", "POST");
        let request = http.post(&url.address).header(header::CONTENT_TYPE, "application/x-vnd.vmware-streamVmdk").header("Overwrite", "t");
        let length = layout.length();
        let upload = Upload::begin(format!("Sending disk {disk}"), request, length);
        Ok(DiskStream { upload, writer: Writer::new(layout) })
    }

    /// Where a disk is read from.
    ///
    /// # Errors
    /// `Permanent`: there is no such disk.
    pub fn source(&self, disk: usize) -> Result<Source> {
        let url = self.disks.get(disk).ok_or_else(|| Error::permanent("The server gives out fewer disks than the machine has."))?;
        self.link.meter.count("disk", "GET");
        Ok(Source { http: client(&self.link, url)?, address: url.address.clone() })
    }

    /// The machine is whole, or all was read.
    ///
    /// # Errors
    /// By kind.
    pub async fn complete(self) -> Result<Ref> {
        self.link.change("HttpNfcLeaseComplete", &self.id, "").await?;
        Ok(self.machine.clone())
    }

    /// The server removes what was made.
    pub async fn abort(self) {
        let _ = self.link.change("HttpNfcLeaseAbort", &self.id, "").await;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.beat.abort();
    }
}

/// A host that the vCenter sent us to is known by the thumbprint that the vCenter told.
fn client(link: &Link, url: &Url) -> Result<Client> {
    match &url.thumbprint {
        Some(thumbprint) if !url.address.starts_with(&link.config.base) => tls::client(None, Some(thumbprint)),
        _ => Ok(link.http.clone()),
    }
}

/// One disk that a host gives out.
pub struct Source {
    http: Client,
    address: String,
}

impl Source {
    /// # Errors
    /// The host's.
    pub async fn get(&self) -> Result<reqwest::Response> {
        let what = "Reading an exported disk";
        let answer = self.http.get(&self.address).send().await.map_err(|error| http::unanswered(what, false, &error))?;
        if answer.status().is_success() { Ok(answer) } else { Err(files::refused(what, answer.status())) }
    }
}

/// One disk on its way.
pub struct DiskStream {
    upload: Upload,
    writer: Writer,
}

impl DiskStream {
    /// # Errors
    /// The server's.
    pub async fn begin(&mut self) -> Result<()> {
        let head = self.writer.head();
        self.upload.push(head.into()).await
    }

    /// # Errors
    /// The server's.
    pub async fn grain(&mut self, data: &Bytes) -> Result<()> {
        debug_assert!(data.len() as u64 <= GRAIN);
        let packed = self.writer.grain(data);
        self.upload.push(packed.into()).await
    }

    /// # Errors
    /// The server's, or it did not take all.
    pub async fn finish(self) -> Result<()> {
        let Self { mut upload, writer } = self;
        upload.push(writer.tail().into()).await?;
        upload.finish().await
    }

    pub async fn abort(self) {
        self.upload.abort().await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::xml::parse;

    #[test]
    fn a_star_is_the_server_itself_and_a_host_is_known_by_its_thumbprint() {
        let device = |url: &str| {
            let text = format!(
                "<deviceUrl><url>{url}</url><sslThumbprint>AA:{}</sslThumbprint><disk>true</disk></deviceUrl>",
                ["0B"; 19].join(":")
            );
            super::url(&parse(&text).unwrap(), "https://vc:8443").unwrap()
        };
        assert_eq!(device("https://*/nfc/1/disk-0.vmdk").address, "https://vc:8443/nfc/1/disk-0.vmdk");
        let host = device("https://esx1.example/nfc/1/disk-0.vmdk");
        assert_eq!(host.address, "https://esx1.example/nfc/1/disk-0.vmdk");
        assert_eq!(host.thumbprint, Some(format!("aa{}", "0b".repeat(19))));
    }
}

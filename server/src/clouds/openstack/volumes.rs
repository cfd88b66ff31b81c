//! Cinder: volumes, their snapshots, and what we write into their metadata. A cloud may have none of it.

use super::{auth::Service, fault, images::escape, link::Link};
use crate::clouds::error::{Error, Kind, Result};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

const TICK: Duration = Duration::from_millis(400);
/// Cinder's own limit is 1000 unless an operator changed it.
const PAGE: usize = 500;

#[derive(Clone, Debug, Deserialize)]
pub struct Volume {
    pub id: String,
    pub status: String,
    /// GiB.
    pub size: u64,
    #[serde(default)]
    pub volume_type: Option<String>,
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// What it took over from the image that it was made of.
    #[serde(default)]
    pub volume_image_metadata: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Attachment {
    #[serde(default)]
    pub server_id: String,
    /// `/dev/vdb`; some drivers state none.
    #[serde(default)]
    pub device: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Snapshot {
    pub id: String,
    pub status: String,
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Volumes {
    volumes: Vec<Volume>,
    /// Of the next page: an operator may have made pages shorter than what was asked for.
    #[serde(default)]
    volumes_links: Vec<Value>,
}
#[derive(Deserialize)]
struct One {
    volume: Volume,
}
#[derive(Deserialize)]
struct Snapshots {
    snapshots: Vec<Snapshot>,
}
#[derive(Deserialize)]
struct OneSnapshot {
    snapshot: Snapshot,
}

impl Volume {
    pub fn meta(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }
    pub fn bytes(&self) -> u64 {
        self.size << 30
    }
    /// `vdb`, as the server that has it sees it.
    pub fn device(&self, server: &str) -> Option<&str> {
        let own = self.attachments.iter().find(|one| one.server_id == server)?;
        own.device.as_deref().map(|device| device.trim_start_matches("/dev/"))
    }
}

/// GiB that hold so many bytes: Cinder knows no smaller unit.
pub fn gib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 30).max(1)
}

/// Those that the query leaves, all pages.
///
/// # Errors
/// The cloud's.
pub async fn list(link: &Link, query: &str) -> Result<Vec<Volume>> {
    let (mut all, mut marker) = (vec![], String::new());
    loop {
        let Volumes { volumes, volumes_links } = link.get(Service::Volume, &format!("/volumes/detail?limit={PAGE}{query}{marker}")).await?;
        let more = !volumes.is_empty() && !volumes_links.is_empty();
        all.extend(volumes);
        match all.last().filter(|_| more) {
            Some(last) => marker = format!("&marker={}", last.id),
            None => return Ok(all),
        }
    }
}

/// Ours that have this in their metadata.
///
/// # Errors
/// The cloud's.
pub async fn with(link: &Link, key: &str, value: &str) -> Result<Vec<Volume>> {
    let found = list(link, &format!("&metadata={}", filter(key, value))).await?;
    Ok(found.into_iter().filter(|one| one.meta(key) == Some(value)).collect())
}

/// Cinder takes a dictionary of Python's.
fn filter(key: &str, value: &str) -> String {
    let plain: String = value.chars().filter(|c| !matches!(c, '\'' | '\\')).collect();
    escape(&format!("{{'{key}':'{plain}'}}"))
}

/// # Errors
/// The cloud's.
pub async fn get(link: &Link, id: &str) -> Result<Option<Volume>> {
    let found: Option<One> = link.find(Service::Volume, &path("volumes", id)?).await?;
    Ok(found.map(|one| one.volume))
}

/// An id is put into addresses.
fn path(what: &str, id: &str) -> Result<String> {
    let plain = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if plain { Ok(format!("/{what}/{id}")) } else { Err(Error::not_found(format!("'{id}' is no id of block storage."))) }
}

/// Answers its id; it is not ready then.
///
/// # Errors
/// The cloud's; quotas are `Full`.
pub async fn create(link: &Link, body: &Value) -> Result<String> {
    let made = link.post(Service::Volume, "/volumes", &json!({ "volume": body })).await?;
    Ok(made["volume"]["id"].as_str().unwrap_or_default().to_owned())
}

/// # Errors
/// The cloud's.
pub async fn set(link: &Link, id: &str, key: &str, value: &str) -> Result<()> {
    link.post(Service::Volume, &format!("{}/metadata", path("volumes", id)?), &json!({ "metadata": { key: value } })).await.map(drop)
}

/// Until it is there for anybody. The caller's own time limit ends the wait.
///
/// # Errors
/// The cloud's, or it failed.
pub async fn ready(link: &Link, id: &str) -> Result<Volume> {
    loop {
        let One { volume } = link.get(Service::Volume, &path("volumes", id)?).await?;
        match volume.status.as_str() {
            "available" | "in-use" => return Ok(volume),
            failed if failed.starts_with("error") => return Err(failure(link, id, "volume", failed).await),
            _ => tokio::time::sleep(TICK).await,
        }
    }
}

/// Cinder keeps the reason apart from the volume, for 30 days.
async fn failure(link: &Link, id: &str, what: &str, status: &str) -> Error {
    let told: Value = link.get(Service::Volume, &format!("/messages?resource_uuid={}&limit=1", escape(id))).await.unwrap_or_default();
    let why = told["messages"][0]["user_message"].as_str().unwrap_or("Cinder does not say why").to_owned();
    let full = fault::is_full(&why);
    Error::new(if full { Kind::Full } else { Kind::Permanent }, format!("The {what} {id} did not come to be ({status}): {why}."))
}

/// Until it is gone; gone already is fine.
///
/// # Errors
/// The cloud's; one that a server has is a conflict.
pub async fn delete(link: &Link, id: &str) -> Result<()> {
    let path = path("volumes", id)?;
    loop {
        let found: Option<One> = link.find(Service::Volume, &path).await?;
        let Some(One { volume }) = found else { return Ok(()) };
        match volume.status.as_str() {
            "in-use" => return Err(Error::conflict(format!("The volume {id} is attached to a server."))),
            "error_deleting" => return Err(failure(link, id, "deletion of volume", "error_deleting").await),
            "available" | "error" => link.delete(Service::Volume, &path).await?,
            // On its way out of a server, or being deleted.
            _ => {}
        }
        tokio::time::sleep(TICK).await;
    }
}

/// Takes out what it took over from an image of ours: an image made of it would be taken for one of ours.
///
/// # Errors
/// The cloud's.
pub async fn plain(link: &Link, volume: &Volume) -> Result<()> {
    for key in volume.volume_image_metadata.keys().filter(|key| key.starts_with("crossfade_")) {
        let body = json!({ "os-unset_image_metadata": { "key": key } });
        link.post(Service::Volume, &format!("{}/action", path("volumes", &volume.id)?), &body).await?;
    }
    Ok(())
}

/// An image with the volume's content, raw. Answers its id; it is not ready then, and must not be changed before: Glance would
/// give up the upload.
///
/// # Errors
/// The cloud's.
pub async fn to_image(link: &Link, volume: &Volume, name: &str) -> Result<String> {
    plain(link, volume).await?;
    // Not qcow2: Cinder would compress it, which takes its host longer than sending the zeroes.
    let body = json!({ "os-volume_upload_image": { "image_name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private" } });
    let answer = link.post(Service::Volume, &format!("{}/action", path("volumes", &volume.id)?), &body).await?;
    Ok(answer["os-volume_upload_image"]["image_id"].as_str().unwrap_or_default().to_owned())
}

/// Of a volume that a server may have. Answers its id; it is not ready then.
///
/// # Errors
/// The cloud's.
pub async fn snapshot(link: &Link, volume: &str, name: &str, metadata: &Value) -> Result<String> {
    let body = json!({ "snapshot": { "volume_id": volume, "name": name, "force": true, "metadata": metadata } });
    let made = link.post(Service::Volume, "/snapshots", &body).await?;
    Ok(made["snapshot"]["id"].as_str().unwrap_or_default().to_owned())
}

/// # Errors
/// The cloud's, or it failed.
pub async fn snapshot_ready(link: &Link, id: &str) -> Result<()> {
    loop {
        let OneSnapshot { snapshot } = link.get(Service::Volume, &path("snapshots", id)?).await?;
        match snapshot.status.as_str() {
            "available" => return Ok(()),
            failed if failed.starts_with("error") => return Err(failure(link, id, "snapshot", failed).await),
            _ => tokio::time::sleep(TICK).await,
        }
    }
}

/// Ours that have this in their metadata.
///
/// # Errors
/// The cloud's.
pub async fn snapshots(link: &Link, key: &str, value: &str) -> Result<Vec<Snapshot>> {
    let query = format!("/snapshots/detail?limit={PAGE}&metadata={}", filter(key, value));
    let Snapshots { snapshots } = link.get(Service::Volume, &query).await?;
    Ok(snapshots.into_iter().filter(|one| one.metadata.get(key).is_some_and(|seen| seen == value)).collect())
}

/// Until it is gone; gone already is fine.
///
/// # Errors
/// The cloud's.
pub async fn delete_snapshot(link: &Link, id: &str) -> Result<()> {
    let path = path("snapshots", id)?;
    while let Some(OneSnapshot { snapshot }) = find(link, &path).await? {
        match snapshot.status.as_str() {
            "error_deleting" => return Err(failure(link, id, "deletion of snapshot", "error_deleting").await),
            "available" | "error" => link.delete(Service::Volume, &path).await?,
            _ => {}
        }
        tokio::time::sleep(TICK).await;
    }
    Ok(())
}

async fn find<T: DeserializeOwned>(link: &Link, path: &str) -> Result<Option<T>> {
    link.find(Service::Volume, path).await
}

/// Names of the types that volumes can have.
///
/// # Errors
/// The cloud's.
pub async fn types(link: &Link) -> Result<Vec<String>> {
    let answer: Value = link.get(Service::Volume, "/types").await?;
    let all = answer["volume_types"].as_array().cloned().unwrap_or_default();
    // Cinder's own, for volumes that nobody named a type for.
    Ok(all.iter().filter_map(|one| one["name"].as_str()).filter(|name| *name != "__DEFAULT__").map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cinders_answer_is_read() {
        let text = r#"{"volumes":[{"id":"v1","status":"in-use","size":2,"name":"data","volume_type":"files","metadata":{"crossfade_token":"t"},
          "attachments":[{"id":"v1","server_id":"s1","device":"/dev/vdb","volume_id":"v1","host_name":null}],"bootable":"false","multiattach":false,
          "volume_image_metadata":{"crossfade_kind":"machine","min_ram":"0"}},
          {"id":"v2","status":"error","size":1,"name":null,"volume_type":null,"attachments":[],"metadata":{}}],
          "volumes_links":[{"rel":"next","href":"http://c:8776/v3/p/volumes/detail?marker=v2"}]}"#;
        let Volumes { volumes, volumes_links } = serde_json::from_str(text).unwrap();
        assert_eq!(volumes_links.len(), 1, "there is another page");
        assert_eq!((volumes[0].bytes(), volumes[0].device("s1"), volumes[0].device("s2")), (2 << 30, Some("vdb"), None));
        assert_eq!(volumes[0].meta("crossfade_token"), Some("t"));
        assert_eq!(volumes[1].volume_type, None);
    }

    #[test]
    fn sizes_are_rounded_up_and_queries_cannot_be_broken_out_of() {
        assert_eq!((gib(1), gib(1 << 30), gib((1 << 30) + 1)), (1, 1, 2));
        assert_eq!(filter("k", "a'b"), escape("{'k':'ab'}"));
        assert_eq!(path("volumes", "../x").unwrap_err().kind, Kind::NotFound);
    }
}

//! Glance: images and what we write into their properties.
//!
//! Everything of ours is a private image with `crossfade_kind`: a recovery point's disk, a machine's boot image, a
//! snapshot that is being read, a list of hashes, the placeholder. So whatever a crash leaves can be found and removed.

use super::{auth::Service, link::Link};
use crate::clouds::error::Result;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

pub const KIND: &str = "crossfade_kind";
pub const LINEAGE: &str = "crossfade_lineage";
pub const TOKEN: &str = "crossfade_token";
/// The image that holds what this one does not: a delta's base.
pub const PARENT: &str = "crossfade_parent";
/// Which server a snapshot or a list of hashes is of.
pub const SERVER: &str = "crossfade_server";
/// The definition that a machine came with, as JSON: so it can go back as what it was.
pub const SPEC: &str = "crossfade_spec";
/// Set when everything of it is there and was checked.
pub const COMPLETE: &str = "crossfade_complete";

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Image {
    pub id: String,
    pub status: String,
    #[serde(default)]
    pub size: Option<u64>,
    #[serde(default)]
    pub virtual_size: Option<u64>,
    #[serde(default)]
    pub disk_format: Option<String>,
    #[serde(default)]
    pub os_hash_algo: Option<String>,
    #[serde(default)]
    pub os_hash_value: Option<String>,
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

impl Image {
    pub fn property(&self, key: &str) -> Option<&str> {
        self.more.get(key)?.as_str()
    }
    pub fn is_active(&self) -> bool {
        self.status == "active"
    }
    pub fn is_complete(&self) -> bool {
        self.is_active() && self.property(COMPLETE) == Some("yes")
    }
}

#[derive(Deserialize)]
struct Page {
    images: Vec<Image>,
    #[serde(default)]
    next: Option<String>,
}

/// # Errors
/// The cloud's.
pub async fn get(link: &Link, id: &str) -> Result<Option<Image>> {
    link.find(Service::Image, &format!("/images/{id}")).await
}

/// All of ours that have these properties.
///
/// # Errors
/// The cloud's.
pub async fn list(link: &Link, properties: &[(&str, &str)]) -> Result<Vec<Image>> {
    let query: Vec<String> = properties.iter().map(|(key, value)| format!("{key}={}", escape(value))).collect();
    let mut path = format!("/images?limit=200&visibility=private&{}", query.join("&"));
    let mut all = vec![];
    loop {
        let page: Page = link.get(Service::Image, &path).await?;
        all.extend(page.images);
        match page.next {
            // It names the version of the interface, which our address has already.
            Some(next) => path = next.trim_start_matches("/v2").to_owned(),
            None => return Ok(all),
        }
    }
}

/// In a query.
pub fn escape(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// An entry without data yet.
///
/// # Errors
/// The cloud's; quotas are `Full`.
pub async fn create(link: &Link, name: &str, format: &str, properties: &[(&str, String)]) -> Result<String> {
    let mut body = json!({ "name": name, "disk_format": format, "container_format": "bare", "visibility": "private" });
    for (key, value) in properties {
        body[*key] = json!(value);
    }
    let made = link.post(Service::Image, "/images", &body).await?;
    Ok(made["id"].as_str().unwrap_or_default().to_owned())
}

/// # Errors
/// The cloud's.
pub async fn set(link: &Link, id: &str, key: &str, value: &str) -> Result<()> {
    link.patch(Service::Image, &format!("/images/{id}"), &json!([{ "op": "add", "path": format!("/{key}"), "value": value }])).await
}

/// # Errors
/// The cloud's; one that is gone is fine.
pub async fn delete(link: &Link, id: &str) -> Result<()> {
    link.delete(Service::Image, &format!("/images/{id}")).await
}

/// Until it can be used; `None`: it failed or is gone. The caller's own time limit ends the wait.
///
/// # Errors
/// The cloud's.
pub async fn settled(link: &Link, id: &str) -> Result<Option<Image>> {
    loop {
        match get(link, id).await? {
            Some(image) if matches!(image.status.as_str(), "queued" | "saving" | "uploading" | "importing") => {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            Some(image) if image.is_active() => return Ok(Some(image)),
            _ => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glances_answer_is_read_with_our_properties() {
        let text = r#"{"images":[{"crossfade_kind":"point","crossfade_complete":"yes","name":"x","disk_format":"qcow2","container_format":"bare",
          "visibility":"private","size":458752,"virtual_size":1073741824,"status":"active","checksum":"c","protected":false,"min_ram":0,"min_disk":0,
          "owner":"p","os_hidden":false,"os_hash_algo":"sha512","os_hash_value":"ab","id":"i1","created_at":"2026-01-01T00:00:00Z","tags":[],"self":"/v2/images/i1"},
          {"id":"i2","status":"queued","size":null,"virtual_size":null,"name":null,"os_hash_algo":null,"os_hash_value":null,"disk_format":"qcow2"}],
          "first":"/v2/images?limit=2","next":"/v2/images?limit=2&marker=i2"}"#;
        let page: Page = serde_json::from_str(text).unwrap();
        assert!(page.images[0].is_complete() && !page.images[1].is_complete());
        assert_eq!((page.images[0].property(KIND), page.images[0].virtual_size), (Some("point"), Some(1 << 30)));
        assert_eq!(page.next.unwrap().trim_start_matches("/v2"), "/images?limit=2&marker=i2");
        assert_eq!(escape("a b/&c"), "a+b%2F%26c");
    }
}

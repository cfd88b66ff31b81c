//! Making a machine that does not run yet.
//!
//! Nova starts whatever it makes. A copy that boots before anybody decided that it may is what Crossfade exists to
//! prevent, so the machine is made with a disk that does nothing (`placeholder.rs`): that claims its place (host, quota,
//! ports) and gives it its id. Its own disk comes in at its first start, by Nova's *rebuild* (`power.rs`). Further disks are volumes
//! and are attached from the beginning: nothing there reads or writes them. Look, then ensure: each call may be the second.

use super::{
    super::{
        OpenStack,
        auth::Service,
        images::{self, KIND, LINEAGE, TOKEN, escape},
        inventory::{
            self, Servers, read,
            server::{Server, meta, state},
        },
        link::Link,
        power,
        sink::Point,
        source, volumes,
    },
    boot::{self, Made},
    describe, disks,
    flavour::{self, Flavour},
    placeholder, ports,
};
use crate::clouds::{
    CreateRequest, MachineSpec,
    error::{Error, Kind, Result},
    guest::USER_DATA,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use model::machine::Firmware;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};

#[derive(Deserialize)]
pub struct Flavours {
    pub flavors: Vec<Flavour>,
}

pub async fn create(driver: &OpenStack, request: &CreateRequest) -> Result<String> {
    let link = &driver.link;
    if let Some(made) = find(link, &request.token).await? {
        return ready(link, made).await;
    }
    if let Some(other) = named(link, &request.spec.name).await?.into_iter().next() {
        return Err(Error::conflict(format!("There is a machine {} with this name already ({}).", other.name, other.id)));
    }
    let parts = driver.merges.made(link, request).await?;
    let ports = ports::ensure(link, &request.spec, &request.networks, &prefix(request), &request.token).await?;
    let body = body(link, request, &parts, &ports).await?;
    let made = link.post(Service::Compute, "/servers", &body).await?;
    let id = made["server"]["id"].as_str().unwrap_or_default().to_owned();
    ready(link, inventory::server(link, &id).await?).await
}

/// Built, or the failed attempt is removed: Nova keeps servers that it could not build.
async fn ready(link: &Link, server: Server) -> Result<String> {
    let built =
        power::until(link, &server.id, "come to be", |s| s.task.is_none() && matches!(s.status.as_str(), "ACTIVE" | "SHUTOFF")).await;
    if built.is_err() && server.is_prepared() && inventory::server(link, &server.id).await.is_ok_and(|now| now.status == "ERROR") {
        // The first error is the one to tell.
        let _ = remove(link, &server.id).await;
    }
    built.map(|()| server.id)
}

async fn body(link: &Arc<Link>, request: &CreateRequest, parts: &Made, ports: &[String]) -> Result<Value> {
    let spec = &request.spec;
    let size = request.point.read::<Point>()?.disks.first().map_or(0, |disk| disk.size);
    let Flavours { flavors } = link.get(Service::Compute, "/flavors/detail").await?;
    let none = || Error::new(Kind::Full, format!("No flavour is large enough for {}: {}.", spec.name, flavour::largest(&flavors)));
    // The disk of a flavour is that of an image; a volume has its own size.
    let own = if parts.root.is_none() { size } else { 0 };
    let flavour = flavour::choose(&flavors, spec.vcpus, spec.memory_mib, own).ok_or_else(none)?;
    let mut server = json!({
        "name": spec.name,
        "flavorRef": flavour.id,
        "networks": ports.iter().map(|port| json!({ "port": port })).collect::<Vec<_>>(),
        "tags": [tag(&request.token)],
        "metadata": metadata(request, parts, flavour, size),
        "config_drive": true,
        // For Nova it is a new instance, for its guest it is not: cloud-init takes the network from there, and leaves the rest.
        "user_data": BASE64_STANDARD.encode(USER_DATA),
    });
    let image = placeholder::ensure(link).await?;
    if parts.root.is_none() {
        server["imageRef"] = json!(image);
    }
    if parts.root.is_some() || !parts.volumes.is_empty() {
        server["block_device_mapping_v2"] = devices(parts, &image);
    }
    Ok(json!({ "server": server }))
}

fn devices(parts: &Made, image: &str) -> Value {
    let volume = |id: &str, index: i32| json!({ "boot_index": index, "uuid": id, "source_type": "volume", "destination_type": "volume", "delete_on_termination": false });
    let first = match &parts.root {
        Some(root) => volume(root, 0),
        None => {
            json!({ "boot_index": 0, "uuid": image, "source_type": "image", "destination_type": "local", "delete_on_termination": true })
        }
    };
    std::iter::once(first).chain(parts.volumes.iter().map(|id| volume(id, -1))).collect()
}

fn metadata(request: &CreateRequest, parts: &Made, flavour: &Flavour, size: u64) -> Value {
    let spec = &request.spec;
    let mut all =
        json!({ meta::TOKEN: request.token, meta::LINEAGE: request.lineage, meta::IMAGE: parts.image, describe::FLAVOUR: flavour.name });
    if parts.root.is_some() {
        all[meta::WAITS] = json!("yes");
    } else {
        // A flavour with a disk of its own decides how large the disk is.
        all[meta::SIZE] = json!(if flavour.disk > 0 { flavour.disk << 30 } else { size }.to_string());
    }
    let tags = spec.tags.join(",");
    if spec.firmware != Firmware::Bios {
        all[meta::FIRMWARE] = json!(spec.firmware);
    }
    for (key, value) in [(meta::UUID, spec.uuid.as_deref()), (meta::TITLE, spec.title.as_deref()), (meta::TAGS, Some(tags.as_str()))] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            all[key] = json!(value.chars().take(255).collect::<String>());
        }
    }
    all
}

/// Nova's tags are short and have no commas or slashes; the token itself is in the metadata.
pub fn tag(token: &str) -> String {
    let hash: String = Sha256::digest(token).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("crossfade-{hash}")
}

/// What the names of its ports begin with.
fn prefix(request: &CreateRequest) -> String {
    port_prefix(&request.lineage, &tag(&request.token))
}

fn port_prefix(lineage: &str, tag: &str) -> String {
    format!("crossfade {lineage} {tag} ")
}

pub async fn find(link: &Link, token: &str) -> Result<Option<Server>> {
    let Servers { servers } = link.get(Service::Compute, &format!("/servers/detail?tags={}", tag(token))).await?;
    let found = servers.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(found.into_iter().find(|server| !server.is_deleted() && server.meta(meta::TOKEN) == Some(token)))
}

pub async fn named(link: &Link, name: &str) -> Result<Vec<Server>> {
    // Nova takes a regular expression, of the database's own kind: ask for less and compare here.
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '.' }).collect();
    let Servers { servers } = link.get(Service::Compute, &format!("/servers/detail?name={}", escape(&format!("^{plain}$")))).await?;
    let found = servers.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(found.into_iter().filter(|server| server.name == name && !server.is_deleted()).collect())
}

pub async fn delete(link: &Link, native_id: &str, with_disks: bool) -> Result<()> {
    let server = match inventory::server(link, native_id).await {
        Err(error) if error.kind == Kind::NotFound => return Ok(()),
        other => other?,
    };
    if !server.is_prepared() && !state(&server).is_off() && server.status != "ERROR" {
        return Err(Error::conflict(format!("{} runs; only a stopped machine can be deleted.", server.name)));
    }
    remove(link, native_id).await?;
    let of = |key: &str| server.meta(key).unwrap_or_default();
    if !of(meta::TOKEN).is_empty() {
        ports::delete(link, &port_prefix(of(meta::LINEAGE), &tag(of(meta::TOKEN))), false).await?;
    }
    if !with_disks {
        return Ok(());
    }
    if !of(meta::IMAGE).is_empty() {
        images::delete(link, of(meta::IMAGE)).await?;
    }
    if link.has(Service::Volume).await? && !server.volumes.is_empty() {
        // A cycle that was killed may have left snapshots, which hold their volumes.
        source::tidy(link, native_id, &[]).await?;
        for volume in &server.volumes {
            volumes::delete(link, &volume.id).await?;
        }
    }
    Ok(())
}

/// Until it is gone.
async fn remove(link: &Link, native_id: &str) -> Result<()> {
    link.delete(Service::Compute, &inventory::path(native_id)?).await?;
    loop {
        match inventory::server(link, native_id).await {
            Err(error) if error.kind == Kind::NotFound => return Ok(()),
            Err(error) => return Err(error),
            Ok(server) if server.status == "ERROR" && server.task.is_none() => return Err(power::failure(&server, "go away")),
            Ok(_) => tokio::time::sleep(Duration::from_millis(300)).await,
        }
    }
}

/// Boot images, ports and volumes of this lineage that no machine has and nobody works on: left by a creation that was killed.
pub async fn tidy(driver: &OpenStack, lineage: &str) -> Result<()> {
    let link = &driver.link;
    let mut left = images::list(link, &[(KIND, boot::MACHINE), (LINEAGE, lineage)]).await?;
    left.extend(images::list(link, &[(KIND, disks::KIND_NAME), (LINEAGE, lineage)]).await?);
    for image in left {
        let token = image.property(TOKEN).unwrap_or_default();
        if driver.merges.is_busy(token) || find(link, token).await?.is_some() {
            continue;
        }
        images::delete(link, &image.id).await?;
        ports::delete(link, &port_prefix(lineage, &tag(token)), true).await?;
    }
    disks::tidy(link, lineage, |token| driver.merges.is_busy(token)).await
}

/// Names that its guest will answer to, for the check.
pub fn addresses(spec: &MachineSpec) -> impl Iterator<Item = (&str, &str)> {
    spec.nics.iter().flat_map(|nic| nic.addresses.iter().map(|address| (nic.mac.as_str(), address.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_short_and_the_same_for_the_same_token() {
        let long = tag(&"01JABC.some machine, with a name/that-is-long.create".repeat(4));
        assert!(long.len() <= 60 && !long.contains([',', '/']), "{long}");
        assert_eq!(tag("a"), tag("a"));
        assert_ne!(tag("a"), tag("b"));
    }
}

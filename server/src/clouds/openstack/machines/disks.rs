//! The disks of a machine that is to be made, besides the image that it boots: volumes, each made from an image.

use super::{
    super::{
        auth::Service,
        images::{self, COMPLETE, KIND, LINEAGE, TOKEN},
        link::Link,
        sink::{DISK, PointDisk, merge},
        volumes::{self, Volume},
    },
    create,
    storage::{self, Place},
};
use crate::clouds::{
    CreateRequest,
    error::{Error, Kind, Result},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// An image that a volume is made of, and that goes when it is.
pub const KIND_NAME: &str = "disk";
/// A volume whose content counts for nothing until the first start replaces it.
pub const ROOT: &str = "root";

/// Names of the volume types; none where the cloud has no block storage.
///
/// # Errors
/// The cloud's.
pub async fn types(link: &Link) -> Result<Option<Vec<String>>> {
    if link.has(Service::Volume).await? { volumes::types(link).await.map(Some) } else { Ok(None) }
}

/// Where each of them goes.
///
/// # Errors
/// A mapping that names what is not there, or disks that need block storage where there is none.
pub async fn places(link: &Link, request: &CreateRequest) -> Result<Vec<Place>> {
    let types = types(link).await?;
    let known = types.as_deref().unwrap_or_default();
    let all = request.spec.disks.iter().enumerate().map(|(index, disk)| storage::place(index, disk, &request.storage, known));
    let all = all.collect::<std::result::Result<Vec<_>, _>>().map_err(Error::conflict)?;
    if types.is_none() && all.iter().any(|place| *place != Place::Image) {
        return Err(Error::new(
            Kind::Unsupported,
            "Machines with several disks need block storage (Cinder), which this cloud does not have.",
        ));
    }
    if matches!(all.first(), Some(Place::Volume(_))) && !renews_volumes(link).await? {
        return Err(Error::new(Kind::Unsupported, OLD));
    }
    Ok(all)
}

pub const OLD: &str =
    "A first disk as a volume needs OpenStack Zed (Nova 2.93) or newer, where a volume that is booted can be filled anew.";

/// Nova can put another image into a volume that a server boots from.
///
/// # Errors
/// The cloud's.
pub async fn renews_volumes(link: &Link) -> Result<bool> {
    let answer: Value = link.get(Service::Compute, "/").await?;
    Ok(at_least(answer["version"]["version"].as_str().unwrap_or_default(), 93))
}

/// Versions are like 2.93.
fn at_least(version: &str, minor: u32) -> bool {
    version.split_once('.').is_some_and(|(major, rest)| major == "2" && rest.parse::<u32>().is_ok_and(|seen| seen >= minor))
}

/// The volume of one disk, whole; what an earlier try made is taken. `of`: the image that holds it.
///
/// # Errors
/// The cloud's.
pub async fn ensure(link: &Arc<Link>, request: &CreateRequest, disk: &PointDisk, kind: Option<&str>) -> Result<String> {
    if let Some(there) = whole(link, request, &disk.key).await? {
        return Ok(there);
    }
    let known = images::list(link, &[(KIND, KIND_NAME), (TOKEN, &request.token), (DISK, &disk.key)]).await?;
    let own = known.iter().map(|image| image.id.clone()).collect::<Vec<_>>();
    // A point that stands alone is what the volume is to hold.
    let alone = images::get(link, &disk.image).await?.is_some_and(|image| image.property(images::PARENT).is_none());
    let image = if alone {
        disk.image.clone()
    } else {
        let properties =
            [(KIND, KIND_NAME.to_owned()), (TOKEN, request.token.clone()), (LINEAGE, request.lineage.clone()), (DISK, disk.key.clone())];
        let name: String = format!("crossfade disk {} {} {}", request.spec.name, disk.key, request.token).chars().take(255).collect();
        merge::ensure(link, known, &disk.image, &name, &properties).await?
    };
    let volume = fill(link, request, &disk.key, disk.size, &image, kind).await?;
    for image in own.into_iter().chain((!alone).then_some(image)) {
        images::delete(link, &image).await?;
    }
    Ok(volume)
}

/// Of an image, or the volume that an earlier try made of it.
///
/// # Errors
/// The cloud's; quotas are `Full`.
pub async fn fill(link: &Link, request: &CreateRequest, key: &str, bytes: u64, image: &str, kind: Option<&str>) -> Result<String> {
    if let Some(there) = whole(link, request, key).await? {
        return Ok(there);
    }
    let name: String = format!("{} {key}", request.spec.name).chars().take(255).collect();
    let mut body = json!({ "name": name, "size": volumes::gib(bytes), "imageRef": image,
        "metadata": { TOKEN: request.token, LINEAGE: request.lineage, DISK: key } });
    if let Some(kind) = kind {
        body["volume_type"] = json!(kind);
    }
    let id = volumes::create(link, &body).await?;
    let made = match volumes::ready(link, &id).await {
        Ok(made) => made,
        Err(error) => {
            // The first error is the one to tell.
            let _ = volumes::delete(link, &id).await;
            return Err(error);
        }
    };
    volumes::plain(link, &made).await?;
    volumes::set(link, &id, COMPLETE, "yes").await?;
    Ok(id)
}

/// A whole one of an earlier try; torn ones are removed.
async fn whole(link: &Link, request: &CreateRequest, key: &str) -> Result<Option<String>> {
    for one in volumes::with(link, TOKEN, &request.token).await?.into_iter().filter(|one| one.meta(DISK) == Some(key)) {
        if one.meta(COMPLETE) == Some("yes") {
            return Ok(Some(one.id));
        }
        volumes::delete(link, &one.id).await?;
    }
    Ok(None)
}

/// Volumes of this lineage that no machine has and nobody works on: left by a creation or a deletion that was killed.
///
/// # Errors
/// The cloud's.
pub async fn tidy(link: &Link, lineage: &str, is_busy: impl Fn(&str) -> bool) -> Result<()> {
    if !link.has(Service::Volume).await? {
        return Ok(());
    }
    for volume in volumes::with(link, LINEAGE, lineage).await? {
        let token = volume.meta(TOKEN).unwrap_or_default();
        if free(&volume) && !is_busy(token) && create::find(link, token).await?.is_none() {
            volumes::delete(link, &volume.id).await?;
        }
    }
    Ok(())
}

fn free(volume: &Volume) -> bool {
    volume.attachments.is_empty() && matches!(volume.status.as_str(), "available" | "error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(at_least("2.93", 93) && at_least("2.100", 93));
        assert!(!at_least("2.79", 93) && !at_least("2.9", 93) && !at_least("", 93));
    }
}

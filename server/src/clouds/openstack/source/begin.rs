//! Opening a point, and removing what points leave.

use super::{
    super::{
        OpenStack,
        auth::Service,
        file::ImageFile,
        images::{self, Image, KIND, LINEAGE, PARENT, SERVER, SPEC, TOKEN},
        inventory::{
            self,
            server::{Server, state},
        },
        layers::ReadAt,
        link::Link,
        machines, power,
        sink::DISK,
    },
    disk::Disk,
    hashes::Hashes,
    pause::{self, Pause},
    point::Point,
    together::{self, Way},
    volumes::{self, Taken},
};
use crate::clouds::{
    OpenPoint, PointRef,
    error::{Error, Result},
};
use jiff::Timestamp;
use model::machine::PowerState;
use serde_json::json;
use std::{sync::Arc, time::Instant};

pub const SNAPSHOT: &str = "snapshot";
pub const HASHES: &str = "hashes";

pub async fn open(driver: &OpenStack, native_id: &str, request: OpenPoint) -> Result<Point> {
    let link = &driver.link;
    // What a node left that was killed over it.
    pause::release(link, native_id, None).await?;
    let server = inventory::server(link, native_id).await?;
    if server.is_prepared() {
        return Err(Error::conflict(format!("{} was never started: there is nothing to read yet.", server.name)));
    }
    let spec = machines::describe(link, &driver.sizes, native_id).await?;
    let kept: Vec<PointRef> = request.others.iter().chain(&request.since).cloned().collect();
    tidy(link, native_id, &kept).await?;
    // Before anything is asked for: never later than the truth, also where each disk has an instant of its own.
    let taken_at = Timestamp::now().as_millisecond();
    let of_volume = |id: &str| server.volumes.iter().any(|one| one.id == id);
    let (data, first): (Vec<_>, Vec<_>) = spec.disks.iter().partition(|disk| disk.source.as_deref().is_some_and(of_volume));
    let (taken, images) = instant(link, &server, &request.token, &data, first.len()).await?;
    let mut disks = vec![];
    for (disk, image) in first.into_iter().zip(images) {
        disks.push(Disk::of_image(link, disk.key.clone(), &image).await?);
    }
    for (disk, taken) in data.into_iter().zip(taken) {
        disks.push(Disk::of_volume(disk.key.clone(), disk.size_bytes, taken.copy(link.clone())));
    }
    // As the machine has them: volumes may come before an image.
    disks.sort_by_key(|one| spec.disks.iter().position(|disk| disk.key == one.shape.key));
    remember(link, request.since.as_ref().map(|point| point.0.as_str()), &mut disks).await?;
    let shapes = disks.iter().map(|disk| disk.shape.clone()).collect();
    Ok(Point {
        link: link.clone(),
        server: native_id.to_owned(),
        token: request.token,
        since: request.since,
        others: request.others,
        taken_at,
        shapes,
        disks,
    })
}

/// All of them, in one pause of a running machine where that can be.
async fn instant(
    link: &Arc<Link>,
    server: &Server,
    token: &str,
    data: &[&model::machine::Disk],
    images: usize,
) -> Result<(Vec<Taken>, Vec<Image>)> {
    let began = Instant::now();
    let paused = match state(server) == PowerState::Running && matches!(together::way(link, server).await?, Way::Paused(_)) {
        true => Pause::begin(link, &server.id).await?,
        false => None,
    };
    let all = async {
        let taken = volumes::take(link, &server.id, token, data).await?;
        let mut made = vec![];
        for _ in 0..images {
            made.push(snapshot(link, &server.id, &server.name, token).await?);
        }
        Ok((taken, made))
    };
    let (all, was_paused) = (all.await, paused.is_some());
    if let Some(paused) = paused {
        paused.end().await?;
    }
    if all.is_ok() || was_paused {
        together::measured(link, server, all.is_ok().then(|| began.elapsed())).await;
    }
    all
}

/// Nova lets a snapshot inherit the properties of the machine's image: ours must not be taken for its own.
async fn snapshot(link: &Arc<Link>, native_id: &str, name: &str, token: &str) -> Result<Image> {
    let own = json!({ KIND: SNAPSHOT, TOKEN: token, SERVER: native_id, LINEAGE: "-", PARENT: "-", SPEC: "-", images::COMPLETE: "-" });
    let label: String = format!("crossfade snapshot {name} {token}").chars().take(255).collect();
    let answer = power::act(link, native_id, json!({ "createImage": { "name": label, "metadata": own } })).await?;
    let id = answer["image_id"].as_str().ok_or_else(|| Error::permanent("Nova made a snapshot and does not say which."))?;
    let image = images::settled(link, id).await?;
    image.ok_or_else(|| Error::transient(format!("The snapshot of {name} did not come to be: Nova or Glance gave it up.")))
}

/// Where the hashes of one disk are lost, or it has another size, all are read whole.
async fn remember(link: &Arc<Link>, since: Option<&str>, disks: &mut [Disk]) -> Result<()> {
    let Some(token) = since else { return Ok(()) };
    let kept = images::list(link, &[(KIND, HASHES), (TOKEN, token)]).await?;
    for disk in disks.iter_mut() {
        // Of machines with one disk, lists did not always say which.
        let of = |image: &&Image| image.is_complete() && image.property(DISK).is_none_or(|key| key == disk.shape.key);
        let Some(image) = kept.iter().find(of) else { break };
        let bytes = ImageFile::new(link.clone(), image).read_at(0, image.size.unwrap_or_default()).await?;
        disk.earlier = Hashes::parse(&bytes).filter(|list| list.size() == disk.shape.size_bytes);
    }
    if disks.iter().any(|disk| disk.earlier.is_none()) {
        disks.iter_mut().for_each(|disk| disk.earlier = None);
    }
    Ok(())
}

/// Every snapshot of this machine, and every list but those to keep.
pub async fn tidy(link: &Link, native_id: &str, keep: &[PointRef]) -> Result<()> {
    pause::release(link, native_id, None).await?;
    let mut left = images::list(link, &[(KIND, SNAPSHOT), (SERVER, native_id)]).await?;
    if link.has(Service::Volume).await? {
        left.extend(images::list(link, &[("name", &volumes::name(native_id))]).await?);
    }
    for image in left {
        images::delete(link, &image.id).await?;
    }
    volumes::tidy(link, native_id).await?;
    for image in images::list(link, &[(KIND, HASHES), (SERVER, native_id)]).await? {
        let kept = image.is_complete() && keep.iter().any(|point| image.property(TOKEN) == Some(&point.0));
        if !kept {
            images::delete(link, &image.id).await?;
        }
    }
    Ok(())
}

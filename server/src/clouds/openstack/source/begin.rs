//! Opening a point, and removing what points leave.

use super::{
    super::{
        OpenStack,
        file::ImageFile,
        images::{self, Image, KIND, LINEAGE, PARENT, SERVER, SPEC, TOKEN},
        inventory,
        layers::{self, Map, Place, ReadAt, Run},
        link::Link,
        machines, power,
    },
    hashes::Hashes,
    point::Point,
};
use crate::clouds::{
    DiskShape, OpenPoint,
    error::{Error, Result},
};
use jiff::Timestamp;
use serde_json::json;
use std::sync::Arc;

const SNAPSHOT: &str = "snapshot";
pub const HASHES: &str = "hashes";

pub async fn open(driver: &OpenStack, native_id: &str, request: OpenPoint) -> Result<Point> {
    let link = &driver.link;
    let server = inventory::server(link, native_id).await?;
    if server.is_prepared() {
        return Err(Error::conflict(format!("{} was never started: there is nothing to read yet.", server.name)));
    }
    let spec = machines::describe(link, &driver.sizes, native_id).await?;
    let since = request.since.map(|point| point.0);
    tidy(link, native_id, since.as_deref()).await?;
    // Before it is asked for: never later than the truth.
    let taken_at = Timestamp::now().as_millisecond();
    let image = snapshot(link, native_id, &server.name, &request.token).await?;
    let file = ImageFile::new(link.clone(), &image);
    let map = map(&file, &image).await?;
    let key = spec.disks.first().map(|disk| disk.key.clone()).unwrap_or_default();
    let earlier = match &since {
        Some(token) => read_hashes(link, token).await?.filter(|list| list.size() == map.size),
        None => None,
    };
    let mut seen = Hashes::empty(map.size);
    map.runs.iter().filter(|run| run.place != Place::Zero).for_each(|run| seen.unknown(run.offset, run.length));
    Ok(Point {
        link: link.clone(),
        server: native_id.to_owned(),
        token: request.token,
        since,
        image: image.id,
        taken_at,
        disks: vec![DiskShape { key, size_bytes: map.size }],
        file,
        runs: map.runs,
        earlier,
        seen,
    })
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

async fn map(file: &ImageFile, image: &Image) -> Result<Map> {
    match image.disk_format.as_deref() {
        Some("raw") => {
            let size = image.size.unwrap_or_default();
            Ok(Map { size, runs: vec![Run { offset: 0, length: size, place: Place::Data { layer: 0, at: 0 } }] })
        }
        _ => layers::qcow2(file, 0).await,
    }
}

/// `None`: lost, or torn; then the point is a full one.
async fn read_hashes(link: &Arc<Link>, token: &str) -> Result<Option<Hashes>> {
    let found = images::list(link, &[(KIND, HASHES), (TOKEN, token)]).await?;
    let Some(image) = found.iter().find(|image| image.is_complete()) else { return Ok(None) };
    let bytes = ImageFile::new(link.clone(), image).read_at(0, image.size.unwrap_or_default()).await?;
    Ok(Hashes::parse(&bytes))
}

/// Every snapshot of this machine, and every list but the one to keep.
pub async fn tidy(link: &Link, native_id: &str, keep: Option<&str>) -> Result<()> {
    for image in images::list(link, &[(KIND, SNAPSHOT), (SERVER, native_id)]).await? {
        images::delete(link, &image.id).await?;
    }
    for image in images::list(link, &[(KIND, HASHES), (SERVER, native_id)]).await? {
        let kept = keep.is_some() && image.property(TOKEN) == keep && image.is_complete();
        if !kept {
            images::delete(link, &image.id).await?;
        }
    }
    Ok(())
}

//! The image that a machine boots: its recovery point put together, with what Nova must know of its hardware; and the
//! volumes of its other disks.
//!
//! Putting a large disk together takes longer than a call may. It goes on in a task of its own; a call that comes again
//! after it ran out of time waits for the same task.

use super::{
    super::{
        images::{self, KIND, LINEAGE, SPEC, TOKEN, escape},
        link::Link,
        sink::{Point, merge},
    },
    disks, placeholder, shape,
    storage::Place,
};
use crate::clouds::{
    CreateRequest, MachineSpec,
    error::{Error, Result},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;

pub const MACHINE: &str = "machine";

/// Everything that a machine is made of.
#[derive(Clone, Debug)]
pub struct Made {
    /// What it boots at its first start.
    pub image: String,
    /// The volume that it boots from, where it is to have one; it does not hold the machine's disk yet.
    pub root: Option<String>,
    /// Of the other disks, in their order.
    pub volumes: Vec<String>,
}

type Outcome = Option<Result<Made>>;

#[derive(Clone, Default)]
pub struct Merges(Arc<Mutex<BTreeMap<String, watch::Receiver<Outcome>>>>);

impl Merges {
    /// # Errors
    /// The cloud's.
    pub async fn made(&self, link: &Arc<Link>, request: &CreateRequest) -> Result<Made> {
        let mut seen = {
            let mut all = self.lock();
            all.entry(request.token.clone()).or_insert_with(|| self.begin(link.clone(), request.clone())).clone()
        };
        let outcome = seen.wait_for(Option::is_some).await.map(|seen| seen.clone());
        // Asked again after an error it tries again.
        self.lock().remove(&request.token);
        outcome.ok().flatten().unwrap_or_else(|| Err(Error::transient("Putting the disks together ended early.")))
    }

    pub fn is_busy(&self, token: &str) -> bool {
        self.lock().contains_key(token)
    }

    fn begin(&self, link: Arc<Link>, request: CreateRequest) -> watch::Receiver<Outcome> {
        let (tell, seen) = watch::channel(None);
        tokio::spawn(async move {
            tell.send_replace(Some(make(&link, &request).await));
        });
        seen
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, watch::Receiver<Outcome>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn make(link: &Arc<Link>, request: &CreateRequest) -> Result<Made> {
    let point = request.point.read::<Point>()?;
    let Some((first, others)) = point.disks.split_first() else { return Err(Error::permanent("The recovery point has no disks.")) };
    let places = disks::places(link, request).await?;
    if places.len() != point.disks.len() {
        let message = format!("The recovery point has {} disks and the machine {}.", point.disks.len(), places.len());
        return Err(Error::permanent(message));
    }
    let mut properties = vec![
        (KIND, MACHINE.to_owned()),
        (TOKEN, request.token.clone()),
        (LINEAGE, request.lineage.clone()),
        (SPEC, serde_json::to_string(&request.spec).unwrap_or_default()),
    ];
    properties.extend(shape::hardware(&request.spec));
    properties.extend(kernel(link, &request.spec).await?);
    let known = images::list(link, &[(KIND, MACHINE), (TOKEN, &request.token)]).await?;
    let name: String = format!("crossfade machine {} {}", request.spec.name, request.token).chars().take(255).collect();
    let image = merge::ensure(link, known, &first.image, &name, &properties).await?;
    let root = match &places[0] {
        Place::Image => None,
        Place::Volume(kind) => {
            let empty = placeholder::ensure(link).await?;
            Some(disks::fill(link, request, disks::ROOT, first.size, &empty, kind.as_deref()).await?)
        }
    };
    let mut volumes = vec![];
    for (disk, place) in others.iter().zip(&places[1..]) {
        let kind = if let Place::Volume(kind) = place { kind.as_deref() } else { None };
        volumes.push(disks::ensure(link, request, disk, kind).await?);
    }
    Ok(Made { image, root, volumes })
}

/// Kernel and initrd lie at the machine's old host, where nobody but the host can read them. An administrator uploads
/// them once, named by their path; the driver finds them there.
async fn kernel(link: &Link, spec: &MachineSpec) -> Result<Vec<(&'static str, String)>> {
    let Some(kernel) = shape::kernel(spec) else { return Ok(vec![]) };
    let mut out = vec![("os_command_line", kernel.command_line.clone())];
    for (property, path) in [("kernel_id", Some(&kernel.kernel)), ("ramdisk_id", kernel.initrd.as_ref())] {
        if let Some(path) = path {
            out.push((property, by_name(link, path).await?.ok_or_else(|| Error::not_found(format!("There is no image named '{path}'.")))?));
        }
    }
    Ok(out)
}

/// An image of that name that can be used.
pub async fn by_name(link: &Link, name: &str) -> Result<Option<String>> {
    #[derive(serde::Deserialize)]
    struct Page {
        images: Vec<images::Image>,
    }
    let page: Page = link.get(super::super::auth::Service::Image, &format!("/images?name={}&status=active", escape(name))).await?;
    Ok(page.images.into_iter().next().map(|image| image.id))
}

//! Opening a point.

use super::{
    super::{
        blocks::View,
        fault::change,
        inventory::{
            self,
            instance::{self, attached},
            is_building, volume,
        },
        link::Link,
        lock,
        sink::snapshots,
        tags::{self, DISK, KIND, MACHINE, SEEN, STATE, TOKEN, kind},
    },
    point::{Part, Point},
    taken::{self, READING, Taken, WAITING},
};
use crate::clouds::{
    DiskShape, OpenPoint,
    error::{Error, Kind, Result},
};
use aws_sdk_ec2::types::{Instance, InstanceSpecification, ResourceType};
use jiff::Timestamp;
use std::sync::Arc;

/// What it is, and what to do.
pub fn in_the_way(seen: &Instance) -> Option<(String, &'static str)> {
    let name = instance::name(seen);
    if is_building(seen) {
        return Some((format!("{name} is still being made."), "Wait until it is there."));
    }
    if let Some(reason) = lock::reason(seen) {
        return Some((format!("{name} is locked: {reason}"), "Unlock it, if this is the copy that shall run."));
    }
    if seen.root_device_type().is_some_and(|kind| kind.as_str() == "instance-store") {
        return Some((format!("The root disk of {name} is no volume and cannot be read."), "Move it to an image with a root volume."));
    }
    seen.block_device_mappings().is_empty().then(|| (format!("{name} has no volume."), "Attach one."))
}

pub async fn open(link: &Arc<Link>, native_id: &str, request: OpenPoint) -> Result<Point> {
    let seen = inventory::instance(link, native_id).await?;
    if let Some((what, _)) = in_the_way(&seen) {
        return Err(Error::conflict(what));
    }
    let known = taken::all(link, native_id).await?;
    // Whatever its state: a node that was killed after its row was written had no time to note it.
    let earlier = known.iter().find(|one| request.since.as_ref().is_some_and(|since| since.0 == one.token)).cloned();
    let now = condition(&seen);
    let mut taken = None;
    let stays = |one: &Taken| request.others.iter().chain(&request.since).any(|point| point.0 == one.token);
    for one in known.into_iter().filter(|one| !stays(one)) {
        // An earlier try ran out of time while EBS was still at it: that instant is as good, if nothing was switched since.
        if taken.is_none() && one.state == WAITING && one.seen == now && covers(&one, &seen) {
            taken = Some(one);
        } else {
            one.delete(link).await?;
        }
    }
    let taken = match taken {
        Some(taken) => taken,
        None => take(link, &seen, &request.token, &now).await?,
    };
    snapshots::until_completed(link, &taken.ids()).await?;
    taken.note(link, READING).await?;
    let parts = parts(link, &seen, &taken, earlier.as_ref()).await?;
    let incremental = !parts.is_empty() && parts.iter().all(|(_, view)| view.earlier.is_some());
    let (disks, views): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    // All or nothing: a point is an incremental one with all of its disks.
    let part = |view: View| Part::new(if incremental { view } else { View::whole(&view.snapshot) });
    Ok(Point {
        link: link.clone(),
        machine: native_id.to_owned(),
        taken,
        since: request.since,
        others: request.others,
        disks,
        parts: views.into_iter().map(part).collect(),
        incremental,
    })
}

/// Off or on, and since when: a machine that was switched is another one for a point that nobody has read yet.
fn condition(seen: &Instance) -> String {
    let state = if instance::state(seen).is_off() { "off" } else { "on" };
    format!("{state} {}", seen.launch_time().map(ToString::to_string).unwrap_or_default())
}

fn covers(taken: &Taken, seen: &Instance) -> bool {
    let volumes = attached(seen);
    volumes.len() == taken.parts.len() && volumes.iter().all(|(_, volume)| taken.parts.contains_key(volume))
}

/// One call for all volumes: EBS takes them at one instant.
async fn take(link: &Link, seen: &Instance, token: &str, condition: &str) -> Result<Taken> {
    let id = seen.instance_id().unwrap_or_default();
    let name = format!("crossfade {}", instance::name(seen));
    let notes = tags::all(&[(KIND, kind::SOURCE), (MACHINE, id), (TOKEN, token), (STATE, WAITING), (SEEN, condition), (tags::NAME, &name)]);
    let what = InstanceSpecification::builder().instance_id(id).exclude_boot_volume(false).build();
    // Before it is asked for: never later than the truth.
    let started = Timestamp::now().as_millisecond();
    let call = link.ec2().await?.create_snapshots().instance_specification(what).description("Crossfade");
    let answer = change("take snapshots", call.tag_specifications(tags::at_birth(ResourceType::Snapshot, &notes)).send()).await?;
    let pair = |one: &aws_sdk_ec2::types::SnapshotInfo| Some((one.volume_id()?.to_owned(), one.snapshot_id()?.to_owned()));
    let parts = answer.snapshots().iter().filter_map(pair).collect();
    Ok(Taken { token: token.to_owned(), state: WAITING.into(), seen: condition.to_owned(), parts, started })
}

/// In the order of the machine's disks; with what is to be compared where the earlier point has the same volume.
async fn parts(link: &Link, seen: &Instance, taken: &Taken, earlier: Option<&Taken>) -> Result<Vec<(DiskShape, View)>> {
    let volumes = volume::of(link, std::slice::from_ref(seen)).await?;
    let mut out = vec![];
    for (device, id) in attached(seen) {
        let lost = || Error::new(Kind::Transient, format!("The volume {id} was attached while a point was taken."));
        let snapshot = taken.parts.get(&id).ok_or_else(lost)?.clone();
        let volume = volumes.get(&id).ok_or_else(lost)?;
        let key = tags::get(volume.tags(), DISK).unwrap_or(device.trim_start_matches("/dev/")).to_owned();
        let earlier = earlier.and_then(|earlier| earlier.parts.get(&id)).cloned();
        out.push((DiskShape { key, size_bytes: volume::bytes(volume) }, View { snapshot, earlier }));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::InstanceStateName::{Running, Stopped};

    #[test]
    fn a_point_of_before_the_stop_is_not_taken_up_after_it() {
        let (on, off) = (instance::tests::one(Running), instance::tests::one(Stopped));
        assert_ne!(condition(&on), condition(&off));
        let of =
            |volumes: &[&str]| Taken { parts: volumes.iter().map(|id| ((*id).to_owned(), "s".to_owned())).collect(), ..Taken::default() };
        assert!(covers(&of(&["vol-1", "vol-2"]), &on));
        assert!(!covers(&of(&["vol-1"]), &on) && !covers(&of(&["vol-1", "vol-3"]), &on));
    }

    #[test]
    fn what_cannot_be_read_is_said_before() {
        assert_eq!(in_the_way(&instance::tests::one(Running)), None);
        let mut bare = instance::tests::one(Running);
        bare.block_device_mappings = None;
        assert!(in_the_way(&bare).unwrap().0.contains("has no volume"));
    }
}

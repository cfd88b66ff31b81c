//! All that is needed to make a machine again elsewhere.
//!
//! A machine that came from another cloud has the definition that it had there in a property of its image. It goes back
//! as what it was, with its identity and its virtual hardware; what changed here (disk, cards) is taken from here.

use super::super::{
    images::{self, SPEC},
    inventory::{
        One, Sizes, observe, path,
        server::{Server, meta},
    },
    link::Link,
};
use crate::clouds::{
    MachineSpec, Observed, Origin,
    error::{Error, Kind, Result},
};

pub async fn describe(link: &Link, sizes: &Sizes, native_id: &str) -> Result<MachineSpec> {
    let One { server } = link.get(super::super::auth::Service::Compute, &path(native_id)?).await?;
    let (server, seen) = observe(link, sizes, server, true).await?;
    if server.is_deleted() {
        return Err(Error::not_found(format!("{} was deleted.", server.name)));
    }
    if let Some(disk) = seen.disks.iter().find(|disk| disk.size_bytes == 0) {
        let message = format!(
            "How large the disk {} of {} is cannot be told: its image is gone and its flavour has no size, or block storage (Cinder) does not show its volume.",
            disk.key, server.name
        );
        return Err(Error::new(Kind::Unsupported, message));
    }
    let image = server.meta(meta::IMAGE).or(server.image()).unwrap_or_default();
    let kept = images::get(link, image).await?.and_then(|image| serde_json::from_str(image.property(SPEC)?).ok());
    Ok(spec(&server, seen, kept))
}

fn spec(server: &Server, seen: Observed, kept: Option<MachineSpec>) -> MachineSpec {
    let own = MachineSpec::seen("openstack", Some(server.id.clone()), seen);
    let Some(kept) = kept else { return own };
    // It comes back to an OpenStack as what it is now.
    let origins = kept.origins_with(Origin::of(&own));
    let mut disks = own.disks;
    for (disk, was) in disks.iter_mut().zip(&kept.disks) {
        disk.key.clone_from(&was.key);
        disk.bus.clone_from(&was.bus);
        disk.pool.clone_from(&was.pool);
    }
    // The flavour may be larger than what the machine asked for; with another flavour somebody meant it.
    let same_size = server.meta(FLAVOUR) == Some(&server.flavor.original_name);
    let (vcpus, memory_mib) = if same_size { (kept.vcpus, kept.memory_mib) } else { (own.vcpus, own.memory_mib) };
    MachineSpec { name: own.name, vcpus, memory_mib, disks, nics: own.nics, tags: own.tags, origins, ..kept }
}

/// The flavour that was chosen for it.
pub const FLAVOUR: &str = "crossfade_flavour";

#[cfg(test)]
mod tests {
    use super::{
        super::{super::inventory::server::observed, shape},
        *,
    };
    use serde_json::{Value, json};

    fn server(metadata: Value) -> Server {
        serde_json::from_value(json!({ "id": "s1", "name": "db1", "status": "SHUTOFF", "OS-EXT-STS:power_state": 4, "metadata": metadata,
          "image": { "id": "i1" }, "flavor": { "vcpus": 1, "ram": 128, "disk": 1, "original_name": "small" },
          "addresses": { "tenant": [{ "addr": "10.88.0.21", "OS-EXT-IPS-MAC:mac_addr": "52:54:00:c0:00:01" }] } }))
        .unwrap()
    }

    #[test]
    fn a_machine_goes_back_as_what_it_was() {
        let (kept, server) = (shape::tests::spec(), server(json!({ "crossfade_flavour": "small", "crossfade_tags": "prod" })));
        let got = spec(&server, observed(&server, Some(1 << 30), &[], Value::Null), Some(kept.clone()));
        assert_eq!((got.uuid, got.memory_mib, got.native_kind.as_str()), (kept.uuid, 96, "libvirt"));
        assert_eq!((got.native, got.tags), (kept.native, vec!["prod".to_owned()]));
        assert_eq!(got.nics[0].network.as_deref(), Some("tenant"));
        let disk = &got.disks[0];
        assert_eq!((disk.key.as_str(), disk.size_bytes, disk.pool.as_deref()), ("vda", 1 << 30, Some("images")));
    }

    #[test]
    fn one_that_was_resized_or_born_here_is_what_it_is() {
        let server = server(json!({ "crossfade_flavour": "smaller" }));
        let seen = || observed(&server, Some(1 << 30), &[], Value::Null);
        assert_eq!(spec(&server, seen(), Some(shape::tests::spec())).memory_mib, 128);
        let born = spec(&server, seen(), None);
        assert_eq!((born.native_kind.as_str(), born.uuid.as_deref(), born.memory_mib), ("openstack", Some("s1"), 128));
    }
}

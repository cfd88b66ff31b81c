//! Where machines can be put: data centers, clusters, pools, folders, datastores, and which of them is meant.

use super::super::{
    fields::Place,
    link::{Link, Ref},
    props::{self, Object},
};
use crate::clouds::error::{Error, Result};
use model::Mapping;

const WANTED: &[props::Wanted<'static>] = &[
    ("Datacenter", &["name", "vmFolder", "datastoreFolder", "parent"]),
    ("ComputeResource", &["name", "parent", "host", "resourcePool", "datastore", "network", "summary.effectiveMemory"]),
    ("ResourcePool", &["name", "parent", "owner"]),
    ("Folder", &["name", "parent"]),
    ("HostSystem", &["name", "parent", "runtime.connectionState", "runtime.inMaintenanceMode", "datastore"]),
    ("Datastore", &["name", "parent", "browser", "summary.type", "summary.accessible", "summary.capacity", "summary.freeSpace", "host"]),
    ("Network", &["name", "parent"]),
    ("DistributedVirtualPortgroup", &["name", "parent", "key", "config.distributedVirtualSwitch", "tag"]),
    ("DistributedVirtualSwitch", &["name", "uuid", "parent"]),
];

/// All of it, as seen at one time.
pub struct Places(pub Vec<Object>);

/// # Errors
/// By kind.
pub async fn look(link: &Link) -> Result<Places> {
    props::all(link, &props::From::Places(WANTED)).await.map(Places)
}

/// Where a new machine goes.
#[derive(Clone, Debug)]
pub struct Target {
    pub folder: Ref,
    pub pool: Ref,
    /// A host of the cluster that is at work: where its networks and datastores are.
    pub host: Ref,
    pub compute: Ref,
    /// What the settings name, for what nothing is mapped for.
    pub datastore: Option<String>,
}

/// A datastore, and the data center that its HTTP addresses name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    pub id: Ref,
    pub name: String,
    pub browser: Ref,
    pub datacenter: Ref,
    /// From the root: `folder/dc1`.
    pub datacenter_path: String,
    pub kind: String,
    pub free: u64,
}

/// Datastores that keep virtual disks and no plain files of any size.
const NO_FILES: &[&str] = &["vsan", "vsand", "vvol"];

impl Store {
    pub fn has_files(&self) -> bool {
        !NO_FILES.contains(&self.kind.to_lowercase().as_str())
    }
}

/// What a card is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Net {
    Standard { id: Ref, name: String },
    Distributed { key: String, switch: String, name: String },
}

impl Net {
    pub fn name(&self) -> &str {
        match self {
            Self::Standard { name, .. } | Self::Distributed { name, .. } => name,
        }
    }
}

impl Places {
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Object> {
        self.0.iter().filter(move |one| one.id.kind == kind)
    }

    pub fn get(&self, id: &Ref) -> Option<&Object> {
        self.0.iter().find(|one| one.id == *id)
    }

    pub fn computes(&self) -> impl Iterator<Item = &Object> {
        self.0.iter().filter(|one| matches!(one.id.kind.as_str(), "ComputeResource" | "ClusterComputeResource"))
    }

    pub fn pools(&self) -> impl Iterator<Item = &Object> {
        self.0.iter().filter(|one| matches!(one.id.kind.as_str(), "ResourcePool" | "VirtualApp"))
    }

    /// Upwards from an object, itself first.
    fn above<'a>(&'a self, id: &Ref) -> impl Iterator<Item = &'a Object> {
        std::iter::successors(self.get(id), |one| self.get(&one.reference("parent")?))
    }

    pub fn datacenter_of(&self, id: &Ref) -> Option<&Object> {
        self.above(id).find(|one| one.id.kind == "Datacenter")
    }

    /// As HTTP addresses and inventory paths name it.
    pub fn path(&self, id: &Ref) -> String {
        let mut names: Vec<String> = self.above(id).map(super::machine::name).collect();
        names.reverse();
        names.join("/")
    }

    fn named<'a>(&self, what: &str, name: Option<&str>, mut all: impl Iterator<Item = &'a Object>) -> Result<&'a Object> {
        match name {
            Some(name) => all
                .find(|one| super::machine::name(one) == name)
                .ok_or_else(|| Error::permanent(format!("{what}: there is none named '{name}', or it may not be seen."))),
            None => all.next().ok_or_else(|| Error::permanent(format!("{what}: there is none that may be seen."))),
        }
    }

    /// # Errors
    /// `Permanent`, naming the field: what it names is not there.
    pub fn target(&self, place: &Place) -> Result<Target> {
        let datacenter = self.named("datacenter", place.datacenter.as_deref(), self.of("Datacenter"))?;
        let inside = |one: &&Object| self.datacenter_of(&one.id).is_some_and(|dc| dc.id == datacenter.id);
        let compute =
            self.named("cluster", place.cluster.as_deref(), self.computes().filter(inside).filter(|one| self.host_of(one).is_some()))?;
        let host = self.host_of(compute).ok_or_else(|| Error::transient("cluster: no host of it is at work."))?;
        let pool = match place.resource_pool.as_deref() {
            Some(name) => {
                let own = |one: &&Object| one.reference("owner").as_ref() == Some(&compute.id);
                self.named("resource_pool", Some(name), self.pools().filter(own))?.id.clone()
            }
            None => compute.reference("resourcePool").ok_or_else(|| Error::permanent("cluster: it has no resource pool."))?,
        };
        let root = datacenter.reference("vmFolder").ok_or_else(|| Error::permanent("datacenter: it has no folder for machines."))?;
        let folder = match place.folder.as_deref() {
            Some(name) => {
                let below = |one: &&Object| self.above(&one.id).any(|up| up.id == root) && one.id != root;
                self.named("folder", Some(name), self.of("Folder").filter(below))?.id.clone()
            }
            None => root,
        };
        Ok(Target { folder, pool, host, compute: compute.id.clone(), datastore: place.datastore.clone() })
    }

    fn host_of(&self, compute: &Object) -> Option<Ref> {
        let works = |host: &&Object| {
            host.get("runtime.connectionState").is_none_or(|state| state == "connected") && !host.flag("runtime.inMaintenanceMode")
        };
        compute.list("host").map(Ref::of).filter_map(|id| self.get(&id)).find(works).map(|host| host.id.clone())
    }

    /// Datastores that the cluster sees and that files can be kept on: what the settings name, then the one with the most room.
    pub fn stores(&self, target: &Target) -> Vec<Store> {
        let compute = self.get(&target.compute);
        let seen: Vec<Ref> = compute.into_iter().flat_map(|one| one.list("datastore")).map(Ref::of).collect();
        let mut all: Vec<Store> = seen.iter().filter_map(|id| self.store(id)).collect();
        all.sort_by_key(|store| (target.datastore.as_ref() != Some(&store.name), std::cmp::Reverse(store.free)));
        all
    }

    pub fn store(&self, id: &Ref) -> Option<Store> {
        let one = self.get(id)?;
        let datacenter = self.datacenter_of(id)?;
        let usable = one.get("summary.accessible").is_none_or(|yes| yes == "true");
        usable.then_some(Store {
            id: id.clone(),
            name: super::machine::name(one),
            browser: one.reference("browser")?,
            datacenter: datacenter.id.clone(),
            datacenter_path: self.path_of_datacenter(&datacenter.id),
            kind: one.get("summary.type").unwrap_or_default().to_owned(),
            free: one.number("summary.freeSpace").unwrap_or_default(),
        })
    }

    /// Without the root folder, which has no name of its own there.
    fn path_of_datacenter(&self, id: &Ref) -> String {
        let path = self.path(id);
        path.split_once('/').filter(|(root, _)| *root == "Datacenters").map_or(path.clone(), |(_, rest)| rest.to_owned())
    }

    /// By name, in the data center of a machine or target.
    pub fn store_named(&self, datacenter: &Ref, name: &str) -> Option<Store> {
        let inside = |one: &&Object| self.datacenter_of(&one.id).is_some_and(|dc| dc.id == *datacenter);
        let found = self.of("Datastore").filter(inside).find(|one| super::machine::name(one) == name)?;
        self.store(&found.id)
    }

    /// Networks that the cluster's hosts have.
    pub fn nets(&self, target: &Target) -> Vec<Net> {
        let compute = self.get(&target.compute);
        let seen = compute.into_iter().flat_map(|one| one.list("network")).map(Ref::of);
        seen.filter_map(|id| self.net(&id)).collect()
    }

    fn net(&self, id: &Ref) -> Option<Net> {
        let one = self.get(id)?;
        let name = super::machine::name(one);
        match id.kind.as_str() {
            "Network" => Some(Net::Standard { id: id.clone(), name }),
            "DistributedVirtualPortgroup" if !is_uplink(one) => {
                let switch = self.get(&one.reference("config.distributedVirtualSwitch")?)?;
                Some(Net::Distributed { key: one.get("key")?.to_owned(), switch: switch.get("uuid")?.to_owned(), name })
            }
            _ => None,
        }
    }
}

/// The switch's way out, no place for machines.
pub fn is_uplink(port_group: &Object) -> bool {
    port_group.list("tag").any(|tag| tag.get("key") == Some("SYSTEM/DVS.UPLINKPG"))
}

/// The pool for a disk or a network that comes from `from`.
pub fn mapped<'a>(mapping: &'a [Mapping], from: &'a str) -> &'a str {
    mapping.iter().find(|one| one.from == from).map_or(from, |one| one.to.as_str())
}

/// The topmost resource pool of a host's cluster.
///
/// # Errors
/// By kind.
pub async fn pool_of_host(link: &Link, host: &Ref) -> Result<Ref> {
    let parent = props::one(link, host, &["parent"]).await?.reference("parent");
    let parent = parent.ok_or_else(|| Error::permanent("The host belongs to no cluster."))?;
    let pool = props::one(link, &parent, &["resourcePool"]).await?.reference("resourcePool");
    pool.ok_or_else(|| Error::permanent("The cluster has no resource pool."))
}

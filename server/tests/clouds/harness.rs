//! The clouds that the suite runs on, and machines to work with.

use server::clouds::{Cloud, Inventory, Observed, Settings, StopMode, registry};
use std::{
    collections::BTreeMap,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

/// Two clouds of a kind: everything goes from `source` to `target`.
pub struct Bed {
    pub kind: &'static str,
    pub source: Arc<dyn Cloud>,
    pub target: Arc<dyn Cloud>,
    pub lab: Option<Lab>,
    /// Makes machines that were born at an external cloud; what the lab's own sites can do is not asked of it.
    pub maker: Option<Lab>,
    _scratch: tempfile::TempDir,
}

/// The lab's own commands.
pub struct Lab {
    script: String,
}

pub fn crypto() {
    // A second call finds it installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

pub fn beds() -> Vec<Bed> {
    crypto();
    let mut all = vec![simulator()];
    all.extend(libvirt());
    all.extend(cumulus());
    all.extend(vcenters());
    all.extend(aws());
    all
}

/// Those whose source and target are of one kind, with everything that a machine may have.
pub fn pairs() -> Vec<Bed> {
    beds().into_iter().filter(|bed| bed.maker.is_none()).collect()
}

/// The lab's OpenStack, as a plain member of a project.
#[cfg(feature = "openstack")]
pub fn cumulus() -> Option<Bed> {
    crypto();
    let get = |name: &str| std::env::var(format!("CF_CUMULUS_{name}")).ok();
    let fields: BTreeMap<_, _> = [
        ("auth_url", get("URL")?),
        ("user", get("USER")?),
        ("password", get("PASSWORD")?),
        ("project", get("PROJECT")?),
        ("insecure", "true".to_owned()),
    ]
    .map(|(k, v)| (k.to_owned(), v))
    .into();
    let open = || registry::open("openstack", Settings { fields: fields.clone(), ..Settings::default() }).unwrap();
    let maker = Some(Lab { script: format!("{}/../e2e/lab/openstack", std::env::var("CARGO_MANIFEST_DIR").unwrap()) });
    Some(Bed { kind: "openstack", source: open(), target: open(), lab: None, maker, _scratch: tempfile::tempdir().unwrap() })
}
#[cfg(not(feature = "openstack"))]
pub fn cumulus() -> Option<Bed> {
    None
}

/// The lab's two vCenters, which are simulated.
#[cfg(feature = "vsphere")]
pub fn vcenters() -> Option<Bed> {
    crypto();
    let open = |site: &str| Some(registry::open("vsphere", Settings { fields: vcenter(site)?, ..Settings::default() }).unwrap());
    let maker = Some(Lab { script: format!("{}/../e2e/lab/vsphere", env!("CARGO_MANIFEST_DIR")) });
    let (source, target) = (open("VIENNA")?, open("ZURICH")?);
    Some(Bed { kind: "vsphere", source, target, lab: None, maker, _scratch: tempfile::tempdir().unwrap() })
}
#[cfg(not(feature = "vsphere"))]
pub fn vcenters() -> Option<Bed> {
    None
}

/// What is filled in for one of them.
#[cfg(feature = "vsphere")]
pub fn vcenter(site: &str) -> Option<BTreeMap<String, String>> {
    let get = |name: &str| std::env::var(format!("CF_{name}")).ok();
    let ca = std::fs::read_to_string(get("VSPHERE_CA")?).unwrap();
    let pairs = [("url", get(&format!("{site}_URL"))?), ("user", get("VSPHERE_USER")?), ("password", get("VSPHERE_PASSWORD")?), ("ca", ca)];
    Some(pairs.map(|(k, v)| (k.to_owned(), v)).into())
}

/// The lab's two regions of AWS, which are simulated.
#[cfg(feature = "ec2")]
pub fn aws() -> Option<Bed> {
    crypto();
    let open = |site: &str| Some(registry::open("ec2", Settings { fields: region(site)?, ..Settings::default() }).unwrap());
    let maker = Some(Lab { script: format!("{}/../e2e/lab/moto", env!("CARGO_MANIFEST_DIR")) });
    let (source, target) = (open("OSLO")?, open("LISBON")?);
    Some(Bed { kind: "ec2", source, target, lab: None, maker, _scratch: tempfile::tempdir().unwrap() })
}
#[cfg(not(feature = "ec2"))]
pub fn aws() -> Option<Bed> {
    None
}

/// What is filled in for one of them.
#[cfg(feature = "ec2")]
pub fn region(site: &str) -> Option<BTreeMap<String, String>> {
    let get = |name: &str| std::env::var(format!("CF_AWS_{name}")).ok();
    let pairs = [("endpoint", "URL"), ("region", site), ("access_key", "ACCESS_KEY"), ("secret_key", "SECRET_KEY")];
    let mut fields = BTreeMap::from([("insecure".to_owned(), "true".to_owned())]);
    for (field, name) in pairs {
        fields.insert(field.to_owned(), get(name)?);
    }
    Some(fields)
}

pub fn simulator() -> Bed {
    let scratch = tempfile::tempdir().unwrap();
    let open = |site: &str| {
        let fields = [("machines", "8"), ("seed", "7"), ("site", site)].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        registry::open("simulator", Settings { fields, scratch: scratch.path().join(site), ..Settings::default() }).unwrap()
    };
    Bed { kind: "simulator", source: open("berlin"), target: open("dublin"), lab: None, maker: None, _scratch: scratch }
}

pub fn libvirt() -> Option<Bed> {
    crypto();
    let scratch = tempfile::tempdir().unwrap();
    let open = |site: &str| {
        let uri = std::env::var(format!("CF_{}_URI", site.to_uppercase())).ok()?;
        let fields: BTreeMap<_, _> = [("uri".to_owned(), uri)].into();
        Some(registry::open("libvirt", Settings { fields, scratch: scratch.path().join(site), ..Settings::default() }).unwrap())
    };
    let (source, target) = (open("berlin")?, open("dublin")?);
    let script = format!("{}/../e2e/lab/lab", std::env::var("CARGO_MANIFEST_DIR").unwrap());
    Some(Bed { kind: "libvirt", source, target, lab: Some(Lab { script }), maker: None, _scratch: scratch })
}

impl Lab {
    pub fn run(&self, args: &[&str]) -> String {
        let out = Command::new(&self.script).args(args).output().unwrap();
        let text = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        assert!(out.status.success(), "lab {args:?}: {text}");
        text
    }
    /// Removes what an earlier run of the test left.
    pub fn forget(&self, name: &str) {
        for site in ["berlin", "dublin"] {
            self.try_run(&["virsh", site, "destroy", name]);
            self.try_run(&["virsh", site, "undefine", "--checkpoints-metadata", "--snapshots-metadata", "--remove-all-storage", name]);
        }
    }
    /// For what may fail.
    pub fn try_run(&self, args: &[&str]) -> bool {
        Command::new(&self.script).args(args).output().unwrap().status.success()
    }
}

impl Bed {
    /// From the lab's own sites to or from another cloud.
    pub fn between(self, source: Option<Arc<dyn Cloud>>, target: Option<Arc<dyn Cloud>>) -> Self {
        Self { source: source.unwrap_or_else(|| self.source.clone()), target: target.unwrap_or_else(|| self.target.clone()), ..self }
    }
    /// A machine of this test's own at the source, stopped; in the lab a real one.
    pub async fn machine(&self, name: &str, options: &[&str]) -> Observed {
        if let Some(lab) = &self.lab {
            lab.forget(name);
            lab.run(&[&["machine", name, "berlin", "start=0"], options].concat());
            return self.find(name).await;
        }
        if let Some(maker) = &self.maker {
            let plain = options
                .iter()
                .filter(|option| ["mem=", "size=", "dirty=", "disks=", "root="].iter().any(|known| option.starts_with(known)));
            maker.run(&[&["machine", name, "start=0"], plain.copied().collect::<Vec<_>>().as_slice()].concat());
            return self.find(name).await;
        }
        let all = everything(self.source.inventory()).await;
        all.into_iter().max_by_key(|one| one.disks.len()).unwrap()
    }

    /// Off at the source, at once.
    pub async fn off(&self, id: &str) {
        self.source.power().unwrap().stop(id, StopMode::Hard).await.unwrap();
        assert!(self.source.power().unwrap().state(id).await.unwrap().is_off());
    }

    /// The guest's own figure, by its HTTP page.
    pub fn figure(&self, name: &str, field: &str) -> u64 {
        let text = self.lab.as_ref().unwrap().run(&["counter", name]);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value[field].as_u64().unwrap_or_else(|| panic!("{field} in {text}"))
    }

    pub async fn find(&self, name: &str) -> Observed {
        let all = everything(self.source.inventory()).await;
        all.into_iter().find(|one| one.name == name).unwrap_or_else(|| panic!("no machine {name}"))
    }
}

pub async fn everything(inventory: &dyn Inventory) -> Vec<Observed> {
    let (mut all, mut cursor) = (vec![], None);
    loop {
        let page = inventory.list(cursor).await.unwrap();
        all.extend(page.machines);
        cursor = page.next;
        if cursor.is_none() {
            return all;
        }
    }
}

/// Asks again until it is so.
pub async fn until<F: Future<Output = bool>>(what: &str, limit: Duration, mut so: impl FnMut() -> F) {
    let begun = Instant::now();
    while !so().await {
        assert!(begun.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

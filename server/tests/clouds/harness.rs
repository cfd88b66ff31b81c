//! The clouds that the suite runs on, and machines to work with.

use server::clouds::{Cloud, Inventory, Observed, Settings, registry};
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
    all
}

pub fn simulator() -> Bed {
    let scratch = tempfile::tempdir().unwrap();
    let open = |site: &str| {
        let fields = [("machines", "8"), ("seed", "7"), ("site", site)].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        registry::open("simulator", Settings { fields, scratch: scratch.path().join(site), ..Settings::default() }).unwrap()
    };
    Bed { kind: "simulator", source: open("berlin"), target: open("dublin"), lab: None, _scratch: scratch }
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
    let script = format!("{}/../e2e/lab/lab", env!("CARGO_MANIFEST_DIR"));
    Some(Bed { kind: "libvirt", source, target, lab: Some(Lab { script }), _scratch: scratch })
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
    /// A machine of this test's own at the source, stopped; in the lab a real one.
    pub async fn machine(&self, name: &str, options: &[&str]) -> Observed {
        if let Some(lab) = &self.lab {
            lab.forget(name);
            lab.run(&[&["machine", name, "berlin", "start=0"], options].concat());
            return self.find(name).await;
        }
        let all = everything(self.source.inventory()).await;
        all.into_iter().max_by_key(|one| one.disks.len()).unwrap()
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

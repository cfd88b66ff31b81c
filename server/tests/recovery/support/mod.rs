//! Two simulated sites and nodes that can be killed: what is left of a life is the store and the worlds.

pub mod life;
pub mod watched;

use life::Life;
use model::{
    Id,
    access::Role,
    machine::PowerState,
    plan::{PlanMachine, PlanSpec},
    run::{FailoverRequest, MoveRequest, Run, RunDetail, RunState},
};
use server::{
    clouds::simulator::{self, World},
    replication,
    services::{caller::Caller, failover, moves, plans, runs},
    store::{
        members::{self, NewMember},
        points,
    },
};
use std::{
    future::Future,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use watched::{Crash, Violations};

pub fn admin() -> Caller {
    Caller { name: "anna".into(), role: Role::Administrator, address: None }
}

/// The worlds and the store of one test.
pub struct Lab {
    pub name: String,
    folder: tempfile::TempDir,
    pub violations: Violations,
    pub sites: Vec<&'static str>,
    /// What stands in for virt-v2v on its nodes.
    pub virt_v2v: Option<PathBuf>,
    /// Native ids of the machines at the first site that run, in the order of their names.
    pub running: Vec<String>,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Lab {
    pub fn new(test: &str) -> Self {
        Self::with_sites(test, vec!["berlin", "dublin"])
    }

    /// With a third site, cologne.
    pub fn of_three(test: &str) -> Self {
        Self::with_sites(test, vec!["berlin", "dublin", "cologne"])
    }

    fn with_sites(test: &str, sites: Vec<&'static str>) -> Self {
        // In memory where that is possible: a store that syncs every write would make these tests about the disk.
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let name = format!("{test}{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut lab = Self { name, folder, violations: Arc::new(Mutex::new(vec![])), sites, virt_v2v: None, running: vec![] };
        let life = lab.boot();
        let world = lab.source();
        let mut all: Vec<(String, String, PowerState)> = world.machine_names();
        all.sort_by(|a, b| a.1.cmp(&b.1));
        lab.running = all.into_iter().filter(|m| m.2 == PowerState::Running).map(|m| m.0).collect();
        assert!(lab.running.len() >= 3, "the seed gives too few running machines");
        life.block_on(life.known());
        lab
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
    pub fn cloud(&self, site: &str) -> String {
        format!("{}-{site}", self.name)
    }
    pub fn world(&self, site: &str) -> Arc<World> {
        simulator::world(&self.cloud(site)).unwrap()
    }
    pub fn source(&self) -> Arc<World> {
        self.world("berlin")
    }
    pub fn target(&self) -> Arc<World> {
        self.world("dublin")
    }

    /// A node that lives until it is dropped.
    pub fn boot(&self) -> Life {
        Life::new(self, Crash::never())
    }

    /// One that dies after so many durable writes and changes at clouds.
    pub fn boot_to_crash(&self, after: u64) -> Life {
        Life::new(self, Crash::after(after))
    }

    pub fn machine_id(&self, native: &str) -> Id {
        server::inventory::machine_id(&self.cloud("berlin"), native)
    }

    pub fn state_at(&self, world: &World, native: &str) -> Option<PowerState> {
        world.machine_names().into_iter().find(|m| m.0 == native).map(|m| m.2)
    }

    /// The one thing that must always hold.
    pub fn assert_one_copy(&self, native: &str) {
        let violations = self.violations.lock().unwrap();
        assert!(violations.is_empty(), "started while another copy ran: {violations:?}");
        let live = |w: Arc<World>| self.state_at(&w, native).is_some_and(PowerState::is_live);
        let running = self.sites.iter().filter(|s| live(self.world(s))).count();
        assert!(running < 2, "{running} copies of {native} run");
    }

    pub fn assert_moved(&self, native: &str, counter: u64) {
        self.assert_one_copy(native);
        assert_eq!(self.state_at(&self.target(), native), Some(PowerState::Running), "it does not run at the target");
        assert_eq!(self.state_at(&self.source(), native), Some(PowerState::Stopped), "it is not off at the source");
        assert!(self.target().counter(native).unwrap() >= counter, "the counter went back");
    }

    pub fn assert_untouched(&self, native: &str) {
        self.assert_one_copy(native);
        assert_eq!(self.state_at(&self.source(), native), Some(PowerState::Running), "the source does not run");
        assert_eq!(self.state_at(&self.target(), native), None, "something is left at the target");
    }
}

pub fn move_request(lab: &Lab, native: &str) -> MoveRequest {
    MoveRequest {
        machine_id: lab.machine_id(native),
        target_cloud_id: lab.cloud("dublin"),
        stop_timeout_seconds: 5,
        keep_source_hours: 1,
        ..MoveRequest::default()
    }
}

/// What tests want of a node, in the words of the services.
impl Life {
    pub async fn start_move(&self, lab: &Lab, native: &str) -> Run {
        moves::start(&self.node, &admin(), &move_request(lab, native)).await.unwrap()
    }

    /// Puts machines under protection and takes a recovery point of each; a plan with one priority group each.
    pub async fn protect(&self, lab: &Lab, natives: &[String]) -> Vec<Id> {
        let group = format!("{}-group", lab.name);
        let (site, target) = ("berlin", lab.cloud("dublin"));
        let policy = serde_json::json!(model::protection::Policy::default()).to_string();
        self.sql(&format!(
            "INSERT INTO groups (id, name, protected_site, recovery_site, target_cloud_id, policy, networks, storage, created_at) \
             VALUES ('{group}', '{group}', '{site}', 'dublin', '{target}', '{policy}', '[]', '[]', 0)"
        ))
        .await;
        let mut ids = vec![];
        for native in natives {
            ids.push(self.member(lab, native).await);
        }
        ids
    }

    /// Puts one machine into the group that is there, and takes a recovery point of it.
    pub async fn member(&self, lab: &Lab, native: &str) -> Id {
        let new = NewMember {
            id: server::state::new_id(),
            group_id: Some(format!("{}-group", lab.name)),
            machine_id: lab.machine_id(native),
            name: native[..8].into(),
            target_cloud_id: lab.cloud("dublin"),
            storage: vec![],
            held_by: None,
            further: false,
        };
        members::insert(&self.node.db, &new, &server::state::new_id(), server::state::now()).await.unwrap().unwrap();
        let job = replication::Job::load(&self.node, &new.id, self.node.replication.slot(&new.id)).await.unwrap();
        replication::autostart::ensure_off(&job).await.unwrap();
        self.cycle(&new.id).await;
        new.id
    }

    pub async fn cycle(&self, member: &str) {
        replication::cycle(&self.node, member, |_| {}, CancellationToken::new()).await.unwrap();
    }

    /// Protects what was recovered in the other direction, and takes a recovery point of each.
    pub async fn reprotect(&self, lab: &Lab, members: &[Id]) {
        server::services::groups::reprotect(&self.node, &admin(), &format!("{}-group", lab.name)).await.unwrap();
        for id in members {
            self.cycle(id).await;
        }
    }

    pub async fn plan(&self, lab: &Lab, machines: Vec<PlanMachine>, edit: impl FnOnce(&mut PlanSpec)) -> Id {
        let mut spec = PlanSpec { name: "plan".into(), group_ids: vec![format!("{}-group", lab.name)], machines, ..PlanSpec::default() };
        edit(&mut spec);
        plans::create(&self.node, &admin(), spec).await.unwrap().id
    }

    pub async fn fail_over(&self, statement: bool) -> Run {
        self.fail_over_from("berlin", statement).await.unwrap()
    }

    pub async fn fail_over_from(&self, site: &str, statement: bool) -> server::error::Result<Run> {
        let statement = statement.then(|| server::recovery::statement(site));
        let request = FailoverRequest { confirm: site.into(), statement, ..FailoverRequest::default() };
        failover::start(&self.node, &admin(), site, &request).await
    }

    pub async fn detail(&self, id: &str) -> RunDetail {
        runs::get(&self.node, id).await.unwrap()
    }

    /// Waits until the run is over, or waits for somebody.
    pub async fn settled(&self, id: &str) -> RunDetail {
        self.until(id, |d| d.run.state.is_over() || d.run.state == RunState::Waiting).await
    }

    pub async fn over(&self, id: &str) -> RunDetail {
        self.until(id, |d| d.run.state.is_over()).await
    }

    pub async fn until(&self, id: &str, so: impl Fn(&RunDetail) -> bool) -> RunDetail {
        let begun = Instant::now();
        loop {
            let detail = self.detail(id).await;
            if so(&detail) {
                return detail;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "the run hangs:\n{}", told(&detail));
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    pub async fn newest(&self, member: &str) -> Option<points::StoredPoint> {
        points::newest(&self.node.db, member).await.unwrap()
    }
}

/// A run in words, for messages of failed tests.
pub fn told(d: &RunDetail) -> String {
    let steps: Vec<String> =
        d.steps.iter().map(|s| format!("  {:<28} {:?} {}", s.key, s.state, s.message.as_deref().unwrap_or(""))).collect();
    format!("{:?} {:?}\n{}", d.run.state, d.run.message, steps.join("\n"))
}

pub fn assert_succeeded(d: &RunDetail) {
    assert_eq!(d.run.state, RunState::Succeeded, "{}", told(d));
}

pub async fn soon<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let begun = Instant::now();
    while !so().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "never: {what}");
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

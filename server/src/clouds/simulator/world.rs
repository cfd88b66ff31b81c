//! What outlives the driver: the machines of a simulated cloud, and the strings by which a test pulls them.

use super::{
    super::{
        Change,
        error::{Error, Kind, Result},
    },
    disk::Image,
    faults::{Effect, Fault, Script},
    generate,
    migrate::Leaving,
    settings::{Config, Standing},
    sink::Point,
    vm::Vm,
};
use model::machine::PowerState;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::broadcast;

static WORLDS: LazyLock<Mutex<HashMap<String, Arc<World>>>> = LazyLock::new(Mutex::default);

/// The world of a cloud that was opened: by its `world` field, or else the path of its scratch folder.
pub fn world(name: &str) -> Option<Arc<World>> {
    WORLDS.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
}

/// All worlds whose `site` field is this.
pub fn site(name: &str) -> Vec<Arc<World>> {
    let worlds = WORLDS.lock().unwrap_or_else(PoisonError::into_inner);
    worlds.values().filter(|w| w.site == name).cloned().collect()
}

pub(super) fn find_or_make(config: &Config) -> Arc<World> {
    if config.world.is_empty() {
        return Arc::new(World::new(config));
    }
    let mut worlds = WORLDS.lock().unwrap_or_else(PoisonError::into_inner);
    worlds.entry(config.world.clone()).or_insert_with(|| Arc::new(World::new(config))).clone()
}

pub struct World {
    site: String,
    up: AtomicBool,
    state: Mutex<State>,
    script: Mutex<Script>,
}

pub(super) struct State {
    /// By native id: the order of the pages.
    pub machines: BTreeMap<String, Vm>,
    pub points: BTreeMap<String, Point>,
    /// Uploads that were begun: token → lineage.
    pub uploads: BTreeMap<String, String>,
    /// The target pool takes nothing more.
    pub full: bool,
    /// The pool is unplugged: what lies on it.
    pub away: Option<BTreeMap<String, Point>>,
    /// Machines on their way out of here.
    pub leaving: BTreeMap<String, Arc<Leaving>>,
    /// Until when migrations are kept from ending: a test has the machine in between for as long as it likes.
    pub held: bool,
    /// They go on when whoever asked for them is gone, as with a peer-to-peer migration.
    pub outlive: bool,
    pub changes: broadcast::Sender<Change>,
}

impl State {
    pub fn vm(&mut self, native_id: &str) -> Result<&mut Vm> {
        self.machines.get_mut(native_id).ok_or_else(|| Error::not_found(format!("There is no machine {native_id} here.")))
    }

    /// Tells those who watch.
    pub fn tell(&self, native_id: &str) {
        let change = match self.machines.get(native_id) {
            Some(vm) => Change::Machine(Box::new(vm.observed())),
            None => Change::Gone(native_id.into()),
        };
        // An error only says that nobody watches.
        let _ = self.changes.send(change);
    }

    pub fn set_power(&mut self, native_id: &str, to: PowerState) -> Result<()> {
        self.vm(native_id)?.set_power(to);
        self.tell(native_id);
        Ok(())
    }
}

impl World {
    fn new(config: &Config) -> Self {
        let vm = |i| {
            let mut vm = Vm::new(generate::machine(config, i));
            vm.host = (i % config.hosts) as u16;
            vm
        };
        let machines = (0..config.machines).map(vm).map(|vm| (vm.native_id().to_owned(), vm)).collect();
        let (points, uploads) = (BTreeMap::new(), BTreeMap::new());
        let (leaving, changes) = (BTreeMap::new(), broadcast::channel(256).0);
        let state = State { machines, points, uploads, full: false, away: None, leaving, held: false, outlive: false, changes };
        Self { site: config.site.clone(), up: AtomicBool::new(true), state: Mutex::new(state), script: Mutex::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call in, after what its latency and the faults make of it.
    pub(super) async fn admit(&self, op: &str, config: &Config) -> Result<Effect> {
        tokio::time::sleep(config.latency).await;
        self.standing(config).await?;
        let scripted = self.script().next(op);
        match scripted {
            None => Ok(Effect::Real),
            Some(Fault::Lie) => Ok(Effect::Lie),
            Some(Fault::Unanswered) => Ok(Effect::Unanswered),
            Some(Fault::Error(kind, message)) => Err(Error::new(kind, message)),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Slow(time)) => {
                tokio::time::sleep(time).await;
                Ok(Effect::Real)
            }
        }
    }

    async fn standing(&self, config: &Config) -> Result<()> {
        let host = config.host_name(0);
        if !self.up.load(Ordering::SeqCst) {
            return Err(Error::transient(format!("{host}: no route to host (simulated)")));
        }
        match config.fault {
            Standing::None => Ok(()),
            Standing::Slow => {
                tokio::time::sleep(Duration::from_secs(2)).await;
                Ok(())
            }
            Standing::Throttled => Err(Error::new(Kind::Throttled(Duration::from_secs(5)), "Too many requests (simulated).")),
            Standing::Down => Err(Error::transient(format!("{host}: connection refused (simulated)"))),
            Standing::Refused => Err(Error::new(Kind::Auth, "The credentials are not accepted (simulated).")),
            Standing::Hung => std::future::pending().await,
        }
    }

    /// Does the guest do as it is asked? A scripted lie for `op`: no.
    pub(super) fn guest(&self, op: &str) -> Effect {
        if self.script().next(op).is_some() { Effect::Lie } else { Effect::Real }
    }

    // What tests do to it.

    /// The `nth` call of `op` from now on (from 1; `*` is any) goes wrong, and the `times - 1` after it.
    pub fn fail(&self, op: &str, nth: u32, times: u32, fault: Fault) {
        self.script().add(op, nth, times, fault);
    }
    pub fn heal(&self) {
        self.script().clear();
        self.lock().full = false;
    }
    /// Every write to a disk sink fails for lack of space.
    pub fn fill(&self) {
        self.lock().full = true;
    }

    /// The pool of recovery points is away, with all that is on it, or back.
    pub fn unplug_pool(&self, away: bool) {
        let mut state = self.lock();
        if away {
            let points = std::mem::take(&mut state.points);
            state.away.get_or_insert_default().extend(points);
        } else if let Some(points) = state.away.take() {
            state.points.extend(points);
        }
    }

    /// Power cut: everything that ran is off, changed-block records are lost, nothing answers.
    pub fn crash(&self) {
        self.up.store(false, Ordering::SeqCst);
        let mut state = self.lock();
        for vm in state.machines.values_mut() {
            vm.lose_power();
        }
        state.leaving.values().for_each(|one| one.stop());
        state.uploads.clear();
        let _ = state.changes.send(Change::Lost("connection reset (simulated)".into()));
    }

    /// The link is gone: nothing answers, but the machines run on.
    pub fn cut(&self) {
        self.up.store(false, Ordering::SeqCst);
        let _ = self.lock().changes.send(Change::Lost("connection reset (simulated)".into()));
    }

    /// It answers again. After a power cut, machines with autostart come up as they do on a real host.
    pub fn restore(&self) {
        for vm in self.lock().machines.values_mut() {
            vm.power_returns();
        }
        self.up.store(true, Ordering::SeqCst);
    }

    /// Keeps migrations from here from ending, or lets them end.
    pub fn hold_migrations(&self, on: bool) {
        self.lock().held = on;
    }
    /// Migrations from here go on without the node that began them.
    pub fn migrations_outlive(&self, on: bool) {
        self.lock().outlive = on;
    }

    /// Changed-block records of all machines are lost, as after a crash of the hypervisor.
    pub fn lose_bitmaps(&self) {
        self.lock().machines.values_mut().for_each(|vm| vm.tracked.clear());
    }

    /// Somebody starts or stops it at the host itself, around us. A lock holds for them too.
    ///
    /// # Errors
    /// No such machine, or it is locked.
    pub fn by_hand(&self, native_id: &str, to: PowerState) -> Result<()> {
        let mut state = self.lock();
        if let (true, Some(reason)) = (to.is_live(), state.vm(native_id)?.observed().locked) {
            return Err(Error::conflict(format!("It is locked: {reason}")));
        }
        state.set_power(native_id, to)
    }

    /// An administrator who knows better takes the lock away and starts it in one go. One that is gone stays gone.
    pub fn break_lock_and_start(&self, native_id: &str) {
        let mut state = self.lock();
        if let Ok(vm) = state.vm(native_id) {
            vm.shown().locked = None;
            vm.set_power(PowerState::Running);
        }
        state.tell(native_id);
    }

    /// Somebody sets at the host whether it starts with it.
    pub fn set_autostart_by_hand(&self, native_id: &str, on: bool) {
        let mut state = self.lock();
        if let Ok(vm) = state.vm(native_id) {
            vm.shown().autostart = Some(on);
        }
        state.tell(native_id);
    }

    /// The guest writes to its disk.
    ///
    /// # Errors
    /// No such machine.
    pub fn guest_write(&self, native_id: &str, disk: usize, offset: u64, data: &[u8]) -> Result<()> {
        self.lock().vm(native_id)?.write(disk, offset, data);
        Ok(())
    }

    /// What a disk holds now.
    ///
    /// # Errors
    /// No such machine.
    pub fn disk(&self, native_id: &str, disk: usize) -> Result<Image> {
        let mut state = self.lock();
        let vm = state.vm(native_id)?;
        vm.settle();
        Ok(vm.images()[disk].clone())
    }

    /// The guest's own counter, as its disk has it: it grows while the machine runs.
    ///
    /// # Errors
    /// No such machine.
    pub fn counter(&self, native_id: &str) -> Result<u64> {
        Ok(super::vm::read_counter(&self.disk(native_id, 0)?))
    }

    /// Recovery points and unfinished uploads that lie here.
    pub fn leftovers(&self) -> (usize, usize) {
        let state = self.lock();
        (state.points.len(), state.uploads.len())
    }

    /// Records of changed blocks that are kept of a machine.
    pub fn tracked(&self, native_id: &str) -> usize {
        self.lock().machines.get(native_id).map_or(0, |vm| vm.tracked.len())
    }

    pub fn machine_names(&self) -> Vec<(String, String, PowerState)> {
        let state = self.lock();
        state.machines.iter().map(|(id, vm)| (id.clone(), vm.observed().name, vm.observed().state)).collect()
    }
}

//! Creating and deleting simulated machines.

use super::{
    super::{
        CreateRequest, MachineSpec, Machines, Observed,
        error::{Error, Result},
    },
    Simulator,
    inventory::{NETWORKS, POOLS},
    vm::Vm,
    world::State,
};
use async_trait::async_trait;
use model::{
    Mapping, Problem, Severity,
    machine::{Disk, Nic, PowerState},
};

#[async_trait]
impl Machines for Simulator {
    async fn describe(&self, native_id: &str) -> Result<MachineSpec> {
        self.look("describe", |state| Ok(MachineSpec::seen("simulator", Some(native_id.to_owned()), state.vm(native_id)?.observed()))).await
    }

    async fn check_create(
        &self,
        spec: &MachineSpec,
        networks: &[Mapping],
        storage: &[Mapping],
        replaces: Option<&str>,
    ) -> Result<Vec<Problem>> {
        self.look("check_create", |state| {
            let mut found = clashes(state, spec, replaces);
            found.extend(spec.nics.iter().filter_map(|nic| unknown("network", nic.network.as_deref(), networks, &NETWORKS.map(|n| n.0))));
            found.extend(spec.disks.iter().filter_map(|disk| unknown("pool", disk.pool.as_deref(), storage, &POOLS)));
            Ok(found)
        })
        .await
    }

    async fn create(&self, request: &CreateRequest) -> Result<String> {
        let lie = request.spec.uuid.clone().unwrap_or_default();
        self.act("create", lie, |state| create(state, request)).await
    }

    fn tells_guests(&self) -> Option<&'static str> {
        Some("by the simulation")
    }

    async fn find(&self, token: &str) -> Result<Option<String>> {
        self.look("find", |state| Ok(by_token(state, token))).await
    }

    async fn set_aside(&self, native_id: &str, token: &str) -> Result<String> {
        let to = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, token.as_bytes()).hyphenated().to_string();
        self.act("set_aside", to.clone(), |state| set_aside(state, native_id, to)).await
    }

    async fn delete(&self, native_id: &str, _with_disks: bool) -> Result<()> {
        self.act("delete", (), |state| {
            if state.vm(native_id).is_ok_and(|vm| !vm.state().is_off()) {
                return Err(Error::conflict("It runs: stop it before it is deleted."));
            }
            if state.machines.remove(native_id).is_some() {
                state.tell(native_id);
            }
            Ok(())
        })
        .await
    }
}

fn set_aside(state: &mut State, native_id: &str, to: String) -> Result<String> {
    if state.machines.contains_key(&to) {
        return Ok(to);
    }
    if !state.vm(native_id)?.state().is_off() {
        return Err(Error::conflict("It runs: only a stopped machine can be set aside."));
    }
    let Some(mut vm) = state.machines.remove(native_id) else { return Err(Error::not_found("It is gone.")) };
    // Its disks are made at the first touch, by what it is called.
    vm.images();
    let name = format!("{}~{}", vm.name(), &to[..8]);
    (vm.shown().native_id, vm.shown().name, vm.token) = (to.clone(), name, None);
    state.machines.insert(to.clone(), vm);
    state.tell(native_id);
    state.tell(&to);
    Ok(to)
}

fn by_token(state: &State, token: &str) -> Option<String> {
    state.machines.iter().find(|(_, vm)| vm.token.as_deref() == Some(token)).map(|(id, _)| id.clone())
}

fn create(state: &mut State, request: &CreateRequest) -> Result<String> {
    if let Some(made) = by_token(state, &request.token) {
        return Ok(made);
    }
    let spec = &request.spec;
    if let Some(clash) = clashes(state, spec, None).into_iter().find(Problem::blocks) {
        return Err(Error::conflict(format!("{}: {}. {}", clash.subject, clash.what, clash.remedy)));
    }
    let point = state.points.get(&request.point.0).ok_or_else(|| Error::not_found("The recovery point is not here."))?;
    let id = spec.uuid.clone().unwrap_or_else(|| uuid::Uuid::new_v4().hyphenated().to_string());
    let mut vm = Vm::with_images(observed(&id, request), point.images.clone());
    vm.token = Some(request.token.clone());
    vm.base = Some(request.point.0.clone());
    state.machines.insert(id.clone(), vm);
    state.tell(&id);
    Ok(id)
}

fn observed(id: &str, request: &CreateRequest) -> Observed {
    let spec = &request.spec;
    let mapped = |name: &Option<String>, by: &[Mapping]| name.as_deref().map(|n| map(n, by));
    let disk = |d: &Disk| Disk { pool: mapped(&d.pool, &request.storage), format: Some("qcow2".into()), ..d.clone() };
    let nic = |n: &Nic| Nic { network: mapped(&n.network, &request.networks), ..n.clone() };
    Observed {
        native_id: id.into(),
        name: spec.name.clone(),
        state: PowerState::Stopped,
        vcpus: spec.vcpus,
        memory_mib: spec.memory_mib,
        disks: spec.disks.iter().map(disk).collect(),
        nics: spec.nics.iter().map(nic).collect(),
        tags: spec.tags.clone(),
        title: spec.title.clone(),
        firmware: spec.firmware,
        arch: spec.arch.clone(),
        guest_os: spec.guest_os.clone(),
        autostart: Some(false),
        locked: None,
        native: serde_json::Value::Null,
    }
}

pub fn map(name: &str, by: &[Mapping]) -> String {
    by.iter().find(|m| m.from == name).map_or(name, |m| &m.to).to_owned()
}

fn blocker(subject: &str, what: impl Into<String>, remedy: &str) -> Problem {
    Problem::new(Severity::Critical, subject, what, remedy)
}

fn clashes(state: &State, spec: &MachineSpec, replaces: Option<&str>) -> Vec<Problem> {
    let mut found = vec![];
    let stays = |id: &String| Some(id.as_str()) != replaces;
    if spec.uuid.as_ref().filter(|id| stays(id)).is_some_and(|id| state.machines.contains_key(id)) {
        found.push(blocker(&spec.name, "a machine with its identity exists there", "Delete that copy, or move to another cloud."));
    } else if state.machines.iter().any(|(id, vm)| stays(id) && vm.name() == spec.name) {
        found.push(blocker(&spec.name, "a machine with this name exists there", "Rename one of the two."));
    }
    found
}

fn unknown(what: &str, name: Option<&str>, by: &[Mapping], known: &[&str]) -> Option<Problem> {
    let target = map(name?, by);
    let text = format!("the {what} '{target}' does not exist there");
    (!known.contains(&target.as_str()))
        .then(|| blocker(name.unwrap_or_default(), text, &format!("Map it to one of: {}.", known.join(", "))))
}

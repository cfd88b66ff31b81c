//! Conversion: the drivers of the target are put into a guest's disks by virt-v2v, before its machine is made.
//!
//! The disks of the stopped source are served read only ([`nbd`]), over each lies an overlay, and `virt-v2v-in-place` works on
//! the overlays. What it wrote becomes one more recovery point. The guest's own programs run nowhere but in the appliance of
//! libguestfs, a virtual machine of its own, which reaches nothing where the node may see to that.

mod disk;
mod domain;
mod map;
mod nbd;
mod process;
mod scratch;
mod tool;
mod verdict;

pub use scratch::{Scratch, sweep};
pub use tool::{Tool, find};

use super::{context::Context, steps::Halt};
use crate::{
    clouds::{MachineSpec, Origin},
    replication::{Above, Below, Written},
    state::Node,
};
use disk::Disk;
use model::Severity;
use nbd::Server;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use verdict::Verdict;

/// For QEMU's small tools.
const BRIEF: Duration = Duration::from_secs(60);
/// Its disks read whole, of a source that can only be read forward.
const WHOLE: Duration = Duration::from_secs(6 * 3600);

/// What became of the disks.
pub enum Made {
    /// The files are there for as long as the folder is.
    Converted { above: Box<Above>, virtio: bool, scratch: Scratch },
    /// virt-v2v does not know what is on them, in its words.
    Unknown(String),
}

/// # Errors
/// The source's, the tool's, or somebody wanted the step to end: nothing is left of it then.
pub async fn make(ctx: &Context, tool: &Tool, below: Below, timeout: Duration) -> Result<Made, Halt> {
    let scratch = Scratch::new(&ctx.node, &ctx.token()).map_err(Halt::failed)?;
    let served = ctx.unless_interrupted(serve(ctx, &below, &scratch.path)).await??;
    let overlays = ctx.unless_interrupted(overlays(&scratch.path, served.len())).await??;
    let domain = scratch.path.join("domain.xml");
    std::fs::write(&domain, domain::xml(&below.spec, &overlays)).map_err(|error| scratch.failed(&error))?;
    ctx.say(Severity::Info, &format!("{} works on it{}.", tool.program.display(), tool.how())).await?;
    if !tool.is_apart() {
        let text =
            "This node may make no network namespace (unshare --net): what runs in the appliance can reach this host's own addresses.";
        ctx.say(Severity::Warning, text).await?;
    }
    let command = tool.command(&domain, &scratch.path, &ctx.token());
    let ended = ctx.unless_interrupted(process::run(ctx, &scratch, command, timeout)).await??;
    let verdict = verdict::of(ended.success, &ended.lines);
    if let (Verdict::Failed(_), Some(error)) = (&verdict, served.iter().find_map(|one| one.disk.failed())) {
        return Err(error.into());
    }
    match verdict {
        Verdict::Unknown(why) => Ok(Made::Unknown(why)),
        Verdict::Failed(why) => Err(Halt::failed(format!(
            "virt-v2v did not convert {}: {why} Mend it, then retry; or skip this step, and it is made as it is; or cancel the run, and it is started again at {}.",
            below.spec.name,
            ctx.subject()?.source.cloud
        ))),
        Verdict::Converted { disks, cards } => {
            let mut written = vec![];
            for file in overlays {
                written.push(ctx.unless_interrupted(read_map(file)).await??);
            }
            let above = Box::new(Above { spec: with_virtio(below.spec, disks, cards), disks: written });
            Ok(Made::Converted { above, virtio: disks, scratch })
        }
    }
}

/// Removes what a conversion of this step left on this node, whatever became of it.
pub fn remove(node: &Node, token: &str) {
    Scratch::remove(node, token);
}

/// A disk at its socket.
struct Served {
    disk: Arc<Disk>,
    _server: Server,
}

async fn serve(ctx: &Context, below: &Below, scratch: &Path) -> Result<Vec<Served>, Halt> {
    let (count, forward) = match &*below.source.lock().await {
        Some(source) => (source.disks().len(), source.reads_forward()),
        None => (0, false),
    };
    let mut served = vec![];
    for index in 0..count {
        let disk = Arc::new(Disk::open(&below.source, index, &scratch.join(format!("{index}.cache"))).await?);
        if forward {
            ctx.say(Severity::Info, &format!("Disk {} can only be read from front to back: it is copied here first.", index + 1)).await?;
            tokio::time::timeout(WHOLE, disk.fetch_all())
                .await
                .map_err(|_| Halt::heals("The source's disks could not be read in time."))??;
        }
        let socket = scratch.join(format!("{index}.sock"));
        let server = Server::start(&socket, disk.clone()).map_err(|error| Halt::failed(format!("{}: {error}.", socket.display())))?;
        served.push(Served { disk, _server: server });
    }
    Ok(served)
}

async fn overlays(scratch: &Path, count: usize) -> Result<Vec<PathBuf>, Halt> {
    let mut files = vec![];
    for index in 0..count {
        let file = scratch.join(format!("{index}.qcow2"));
        let below = format!("nbd+unix:///?socket={}", scratch.join(format!("{index}.sock")).display());
        process::output("qemu-img", &["create", "-q", "-f", "qcow2", "-F", "raw", "-b", &below, &file.display().to_string()], BRIEF)
            .await?;
        files.push(file);
    }
    Ok(files)
}

async fn read_map(file: PathBuf) -> Result<Written, Halt> {
    let json = process::output("qemu-img", &["map", "--output=json", &file.display().to_string()], BRIEF).await?;
    Ok(Written { pieces: map::written(&json).map_err(Halt::failed)?, file })
}

/// The hardware that it is made with: what virt-v2v found it has the drivers of.
pub fn with_virtio(mut spec: MachineSpec, disks: bool, cards: bool) -> MachineSpec {
    // It goes back as what it was.
    spec.origins = spec.origins_with(Origin::of(&spec));
    for disk in spec.disks.iter_mut().filter(|_| disks) {
        "virtio".clone_into(&mut disk.bus);
    }
    for nic in spec.nics.iter_mut().filter(|_| cards) {
        nic.model = Some("virtio".into());
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_guest_has_drivers_for_becomes_virtio() {
        let shown = |disks, cards| {
            let spec = with_virtio(domain::tests::spec(), disks, cards);
            (spec.disks[1].bus.clone(), spec.nics[0].model.clone().unwrap())
        };
        let back = with_virtio(with_virtio(domain::tests::spec(), true, true), true, true);
        assert_eq!(Origin::of(&back).models, [("52:54:00:00:00:01".to_owned(), "vmxnet3".to_owned())]);
        assert_eq!(shown(true, true), ("virtio".into(), "virtio".into()));
        assert_eq!(shown(true, false), ("virtio".into(), "vmxnet3".into()));
        assert_eq!(shown(false, false), ("scsi".into(), "vmxnet3".into()));
    }
}

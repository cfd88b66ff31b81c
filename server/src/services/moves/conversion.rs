//! Whether virt-v2v puts the drivers of the target into a machine on its way, and what is said about it before.

use super::{critical, guest};
use crate::{clouds::MachineSpec, recovery::convert, state::Node};
use model::{
    Problem, Severity,
    run::{Convert, MoveMode, MoveRequest},
};

const INSTALL: &str = "On every node: apt-get install virt-v2v. Or install the drivers in the guest before the move.";
const WINDOWS: &str = "Put the drivers of virtio-win there on every node, or install them in the guest before the move.";
const BEFORE: &str = "Nothing. Or install the drivers in the guest before the move, and leave the conversion out.";

/// `target`: the cloud's identifier.
pub async fn decide(node: &Node, request: &MoveRequest, spec: Option<&MachineSpec>, target: &str) -> (bool, Vec<Problem>) {
    let (Some(spec), Some(guard)) = (spec, node.clouds.get(target)) else { return (false, vec![]) };
    let kind = guard.cloud().kind();
    let always = match request.conversion {
        Convert::Never => return (false, vec![]),
        Convert::Always => true,
        Convert::Auto => false,
    };
    if let Some(why) = in_the_way(request, kind) {
        let problem = critical(&spec.name, why, "Leave the conversion out.");
        return (false, if always { vec![problem] } else { vec![] });
    }
    if !always && !guest::lacks_drivers(spec, kind) {
        return (false, vec![]);
    }
    let Some(tool) = convert::find(node).await else {
        let severity = if always { Severity::Critical } else { Severity::Info };
        let what = "virt-v2v is not installed on this node: no drivers are put in.";
        return (false, vec![Problem::new(severity, &spec.name, what, INSTALL)]);
    };
    if guest::family(spec) == guest::Family::Windows && !tool.knows_windows() {
        let severity = if always { Severity::Critical } else { Severity::Warning };
        let what = "virt-v2v has no drivers for Windows on this node: virtio-win is missing (/usr/share/virtio-win).";
        return (false, vec![Problem::new(severity, &spec.name, what, WINDOWS)]);
    }
    let what = format!(
        "Its drivers for virtio are put in by virt-v2v while it is off: about {} s more of downtime{}. What virt-v2v does not know moves as it is.",
        tool.seconds(),
        tool.how()
    );
    (true, vec![Problem::new(Severity::Info, &spec.name, what, BEFORE)])
}

/// Why nothing can be converted in such a move.
fn in_the_way(request: &MoveRequest, kind: &str) -> Option<&'static str> {
    match kind {
        _ if request.mode == MoveMode::Live => Some("A machine that moves running cannot be converted."),
        _ if request.point_id.is_some() => Some("Disks are converted as the source has them: an older recovery point is taken as it is."),
        "libvirt" | "openstack" | "simulator" => None,
        _ => Some("Only for clouds whose machines see QEMU's devices are there drivers to put in."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_copy_of_what_stands_at_the_source_is_converted() {
        let asked = |kind, mode, point: Option<&str>| {
            let request = MoveRequest { mode, point_id: point.map(Into::into), ..MoveRequest::default() };
            in_the_way(&request, kind).is_none()
        };
        assert!(asked("libvirt", MoveMode::Warm, None) && asked("openstack", MoveMode::Auto, None));
        assert!(
            !asked("libvirt", MoveMode::Live, None) && !asked("libvirt", MoveMode::Cold, Some("p")) && !asked("ec2", MoveMode::Warm, None)
        );
    }
}

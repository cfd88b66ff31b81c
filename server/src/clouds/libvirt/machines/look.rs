//! What the host says about itself, for the check before a machine is made.

use super::{
    super::{
        inventory::{
            domain::{child, devices, path, text},
            resources,
        },
        sys::Conn,
    },
    check::Host,
};
use crate::clouds::{MachineSpec, error::Result};
use roxmltree::Document;

/// Without the machine that will be gone by then.
///
/// # Errors
/// libvirt's.
pub fn host(conn: &Conn, spec: &MachineSpec, replaces: Option<&str>) -> Result<Host> {
    let seen = resources::look(conn)?;
    let itself = seen.hosts.into_iter().next();
    let mut host = Host {
        name: itself.as_ref().map(|one| one.name.clone()).unwrap_or_default(),
        networks: seen.networks,
        pools: seen.pools,
        domain: able(conn, &spec.native),
        ..Host::default()
    };
    for domain in conn.domains()? {
        // One that vanished meanwhile is in nobody's way.
        let Ok(xml) = domain.xml(0) else { continue };
        let Ok(document) = Document::parse(&xml) else { continue };
        let root = document.root_element();
        let (name, uuid) = (text(root, "name").unwrap_or_default(), text(root, "uuid").unwrap_or_default());
        if replaces == Some(&uuid) {
            continue;
        }
        let macs = devices(root, "interface").filter_map(|nic| child(nic, "mac")?.attribute("address"));
        host.macs.extend(macs.map(|mac| (mac.to_lowercase(), name.clone())));
        host.machines.push((name, uuid));
    }
    Ok(host)
}

/// The kind of virtualisation that a machine from elsewhere gets: by hardware where the host can.
/// Asked only for such a machine: a host may take seconds to find out.
pub fn virt(conn: &Conn) -> &'static str {
    let offered = conn.capabilities().is_ok_and(|xml| {
        Document::parse(&xml)
            .is_ok_and(|all| all.descendants().any(|n| n.tag_name().name() == "domain" && n.attribute("type") == Some("kvm")))
    });
    if offered { "kvm" } else { "qemu" }
}

/// Asks for exactly this architecture, machine type and kind of virtualisation.
fn able(conn: &Conn, xml: &str) -> std::result::Result<String, String> {
    let document = Document::parse(xml).map_err(|error| error.to_string())?;
    let root = document.root_element();
    let os = path(root, &["os", "type"]);
    let attribute = |name: &str| os.and_then(|node| node.attribute(name));
    let (arch, kind) = (attribute("arch").unwrap_or("x86_64"), root.attribute("type").unwrap_or("kvm"));
    conn.domain_capabilities(arch, attribute("machine"), kind).map_err(|fault| fault.message)
}

//! The configuration of a new machine, as vSphere reads it. Pure. The order of the elements is that of VMware's schema.

use super::{
    super::{
        inventory::{machine::BUILDING, places::Net},
        xml::{escaped, tag},
    },
    create::identity,
    shape::{self, Controller, Native},
};
use crate::clouds::{CreateRequest, GuestNetwork, MachineSpec, guest};
use base64::{Engine, prelude::BASE64_STANDARD};
use model::machine::Firmware;

pub const TOKEN: &str = "crossfade.token";
pub const LINEAGE: &str = "crossfade.lineage";
/// The whole definition that the machine came with, so that it goes back as what it was.
pub const SPEC: &str = "crossfade.spec";

/// `sizes`: bytes of each disk. `stores`: the datastore of each. `nets`: what each card is connected to.
pub fn config(request: &CreateRequest, sizes: &[u64], stores: &[String], nets: &[Net]) -> String {
    let spec = &request.spec;
    let native = Native::of(spec).unwrap_or_default();
    let uuid = spec.uuid.as_deref().map(|uuid| tag("uuid", uuid)).unwrap_or_default();
    let version = native.version.as_deref().map(|version| tag("version", version)).unwrap_or_default();
    let cores = native.cores_per_socket.map(|cores| tag("numCoresPerSocket", cores)).unwrap_or_default();
    let home = stores.first().map(String::as_str).unwrap_or_default();
    let firmware = if spec.firmware == Firmware::Uefi { "efi" } else { "bios" };
    let boot = if native.secure_boot { "<bootOptions><efiSecureBootEnabled>true</efiSecureBootEnabled></bootOptions>" } else { "" };
    [
        tag("name", &spec.name),
        version,
        uuid,
        tag("instanceUuid", identity(&request.token)),
        tag("guestId", shape::guest_id(spec)),
        tag("annotation", BUILDING),
        format!("<files>{}</files>", tag("vmPathName", format!("[{home}]"))),
        tag("numCPUs", spec.vcpus),
        cores,
        tag("memoryMB", spec.memory_mib),
        devices(spec, sizes, stores, nets),
        extra(request),
        boot.into(),
        tag("firmware", firmware),
    ]
    .concat()
}

fn devices(spec: &MachineSpec, sizes: &[u64], stores: &[String], nets: &[Net]) -> String {
    let (controllers, places) = shape::places(spec);
    let mut out: String = controllers.iter().enumerate().map(|(number, one)| controller(number, one)).collect();
    for (number, ((size, store), (on, unit))) in sizes.iter().zip(stores).zip(places).enumerate() {
        out += &disk(number, *size, store, on, unit);
    }
    for (number, (nic, net)) in spec.nics.iter().zip(nets).enumerate() {
        out += &card(number, shape::card(spec, nic), &nic.mac, net);
    }
    out
}

/// Keys below zero are ours; the server gives out its own.
fn controller_key(number: usize) -> i64 {
    -100 - number as i64
}

fn add(file: bool, kind: &str, inner: &str) -> String {
    let create = if file { "<fileOperation>create</fileOperation>" } else { "" };
    format!("<deviceChange><operation>add</operation>{create}<device xsi:type=\"{}\">{inner}</device></deviceChange>", escaped(kind))
}

fn controller(number: usize, one: &Controller) -> String {
    let shared = if one.name.starts_with("scsi") { "<sharedBus>noSharing</sharedBus>" } else { "" };
    add(false, &one.kind, &format!("{}{}{shared}", tag("key", controller_key(number)), tag("busNumber", one.number)))
}

fn disk(number: usize, size: u64, store: &str, on: usize, unit: u32) -> String {
    let backing = format!(
        "<backing xsi:type=\"VirtualDiskFlatVer2BackingInfo\">{}<diskMode>persistent</diskMode><thinProvisioned>true</thinProvisioned></backing>",
        tag("fileName", format!("[{store}]"))
    );
    let inner = [
        tag("key", -200 - number as i64),
        backing,
        tag("controllerKey", controller_key(on)),
        tag("unitNumber", unit),
        tag("capacityInKB", size.div_ceil(1024)),
        tag("capacityInBytes", size.div_ceil(1024) * 1024),
    ];
    add(true, "VirtualDisk", &inner.concat())
}

fn card(number: usize, kind: &str, mac: &str, net: &Net) -> String {
    let backing = match net {
        Net::Standard { id, name } => {
            format!(
                "<backing xsi:type=\"VirtualEthernetCardNetworkBackingInfo\">{}{}</backing>",
                tag("deviceName", name),
                id.xml("network")
            )
        }
        Net::Distributed { key, switch, .. } => format!(
            "<backing xsi:type=\"VirtualEthernetCardDistributedVirtualPortBackingInfo\"><port>{}{}</port></backing>",
            tag("switchUuid", switch),
            tag("portgroupKey", key)
        ),
    };
    let connect = "<connectable><startConnected>true</startConnected><allowGuestControl>true</allowGuestControl><connected>true</connected></connectable>";
    let address = format!("<addressType>manual</addressType>{}", tag("macAddress", mac));
    add(false, kind, &format!("{}{backing}{connect}{address}", tag("key", -300 - number as i64)))
}

fn extra(request: &CreateRequest) -> String {
    let spec = BASE64_STANDARD.encode(serde_json::to_vec(&request.spec).unwrap_or_default());
    let mut all = vec![
        (TOKEN.to_owned(), request.token.clone()),
        (LINEAGE.to_owned(), request.lineage.clone()),
        (SPEC.to_owned(), spec),
        // Nobody is there to answer whether it was moved or copied.
        ("uuid.action".to_owned(), "keep".to_owned()),
    ];
    if let Some(told) = &request.guest {
        all.extend(guestinfo(told));
    }
    // The machine keeps its MAC, which need not be one of VMware's.
    all.extend((0..request.spec.nics.len()).map(|number| (format!("ethernet{number}.checkMACAddress"), "false".to_owned())));
    let one = |(key, value): &(String, String)| {
        format!("<extraConfig>{}<value xsi:type=\"xsd:string\">{}</value></extraConfig>", tag("key", key), escaped(value))
    };
    all.iter().map(one).collect()
}

/// Read by cloud-init's data source VMware: <https://cloudinit.readthedocs.io/en/latest/reference/datasources/vmware.html>.
fn guestinfo(told: &GuestNetwork) -> impl Iterator<Item = (String, String)> {
    let mut data = guest::meta_data(told);
    data["network"] = guest::network_config(told);
    [("metadata", data.to_string()), ("userdata", guest::USER_DATA.to_owned())].into_iter().flat_map(|(what, text)| {
        let key = format!("guestinfo.{what}");
        [(format!("{key}.encoding"), "base64".to_owned()), (key, BASE64_STANDARD.encode(text))]
    })
}

/// The definition that a machine came with.
pub fn kept(value: &str) -> Option<MachineSpec> {
    serde_json::from_slice(&BASE64_STANDARD.decode(value).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{super::xml::parse, shape::tests::spec},
        *,
    };
    use crate::clouds::{GuestCard, SinkRef};

    fn request() -> CreateRequest {
        CreateRequest {
            token: "t".into(),
            lineage: "l".into(),
            spec: spec(),
            point: SinkRef("{}".into()),
            networks: vec![],
            storage: vec![],
            guest: None,
        }
    }

    #[test]
    fn the_configuration_has_the_order_of_the_schema() {
        let net = Net::Distributed { key: "dvportgroup-1".into(), switch: "50".into(), name: "svc".into() };
        let text = config(&request(), &[1 << 30, 1536], &["ds".into(), "ds 2".into()], &[net]);
        let tree = parse(&format!("<spec xmlns:xsi='x'>{text}</spec>")).unwrap();
        let order = [
            "name",
            "version",
            "uuid",
            "instanceUuid",
            "guestId",
            "annotation",
            "files",
            "numCPUs",
            "numCoresPerSocket",
            "memoryMB",
            "deviceChange",
            "extraConfig",
            "bootOptions",
            "firmware",
        ];
        let at: Vec<usize> = tree.children.iter().map(|one| order.iter().position(|name| *name == one.name).unwrap()).collect();
        assert!(at.windows(2).all(|w| w[0] <= w[1]), "{at:?}");
        let devices: Vec<&str> = tree.all("deviceChange").map(|one| one.child("device").unwrap().kind.as_str()).collect();
        assert_eq!(devices, ["VirtualAHCIController", "VirtualDisk", "VirtualDisk", "VirtualE1000e"]);
        let second = tree.all("deviceChange").nth(2).unwrap();
        assert_eq!((second.get("device/backing/fileName"), second.get("device/capacityInBytes")), (Some("[ds 2]"), Some("2048")));
        assert_eq!(second.get("device/controllerKey"), Some("-100"));
    }

    #[test]
    fn a_guest_reads_its_addresses_from_guestinfo() {
        let card = GuestCard { mac: "00:50:56:00:00:01".into(), addresses: vec!["10.77.2.11/24".into()], ..GuestCard::default() };
        let told = GuestNetwork { instance: "run/1".into(), hostname: "web1".into(), cards: vec![card] };
        let text = extra(&CreateRequest { guest: Some(told), ..request() });
        let tree = parse(&format!("<spec xmlns:xsi='x'>{text}</spec>")).unwrap();
        let value = |key: &str| tree.all("extraConfig").find(|one| one.get("key") == Some(key)).and_then(|one| one.get("value"));
        assert_eq!(value("guestinfo.metadata.encoding"), Some("base64"));
        let data: serde_json::Value =
            serde_json::from_slice(&BASE64_STANDARD.decode(value("guestinfo.metadata").unwrap()).unwrap()).unwrap();
        assert_eq!((&data["instance-id"], &data["network"]["version"]), (&"run/1".into(), &2.into()));
        assert!(!extra(&request()).contains("guestinfo"));
    }

    #[test]
    fn the_definition_is_kept_whole() {
        let text = extra(&request());
        let tree = parse(&format!("<spec xmlns:xsi='x'>{text}</spec>")).unwrap();
        let value = tree.all("extraConfig").find(|one| one.get("key") == Some(SPEC)).and_then(|one| one.get("value")).unwrap();
        assert_eq!(kept(value), Some(spec()));
        assert_eq!(kept("???"), None);
    }
}

//! Fibre Channel adapters of hosts, and those that carry it over Ethernet. Pure.

use super::super::xml::Node;
use model::cloud::Hba;

/// `config.storageDevice.hostBusAdapter` of one host.
pub fn of_host<'a>(host: &'a str, adapters: impl Iterator<Item = &'a Node> + 'a) -> impl Iterator<Item = Hba> + 'a {
    adapters.filter_map(move |one| hba(host, one))
}

fn hba(host: &str, adapter: &Node) -> Option<Hba> {
    let over_ethernet = match adapter.kind.as_str() {
        "HostFibreChannelHba" => false,
        "HostFibreChannelOverEthernetHba" => true,
        _ => return None,
    };
    let device = adapter.get("device").unwrap_or("vmhba");
    let nic = adapter.get("underlyingNic").filter(|_| over_ethernet).map(|nic| format!(" (FCoE over {nic})")).unwrap_or_default();
    let offline = adapter.get("status").filter(|status| !matches!(*status, "online" | "unknown")).map(|status| format!(", {status}"));
    Some(Hba {
        name: format!("{host} {device}{nic}{}", offline.unwrap_or_default()),
        wwnn: wwn(adapter.get("nodeWorldWideName")?)?,
        wwpn: wwn(adapter.get("portWorldWideName")?)?,
        // vSphere does not tell the fabric's name.
        fabric_wwn: None,
        // Machines have NPIV by their own settings, over any adapter that can.
        vports: !over_ethernet,
    })
}

/// vSphere gives it as a signed number.
fn wwn(number: &str) -> Option<String> {
    let number = number.parse::<i64>().map(|n| n as u64).or_else(|_| number.parse::<u64>()).ok()?;
    Some(format!("{number:016x}"))
}

#[cfg(test)]
mod tests {
    use super::{super::super::xml::parse, *};

    #[test]
    fn adapters_are_told_apart_and_names_are_hexadecimal() {
        let text = r#"<val>
          <HostHostBusAdapter xsi:type="HostParallelScsiHba"><device>vmhba0</device></HostHostBusAdapter>
          <HostHostBusAdapter xsi:type="HostFibreChannelHba"><device>vmhba2</device><status>offline</status><portWorldWideName>2377900720065130496</portWorldWideName><nodeWorldWideName>-3458764510599315456</nodeWorldWideName></HostHostBusAdapter>
          <HostHostBusAdapter xsi:type="HostFibreChannelOverEthernetHba"><device>vmhba3</device><status>online</status><portWorldWideName>1</portWorldWideName><nodeWorldWideName>2</nodeWorldWideName><underlyingNic>vmnic4</underlyingNic></HostHostBusAdapter></val>"#;
        let tree = parse(text).unwrap();
        let all: Vec<Hba> = of_host("esx1", tree.children.iter()).collect();
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].name.as_str(), all[0].wwpn.as_str(), all[0].vports), ("esx1 vmhba2, offline", "2100001b32a0b000", true));
        assert_eq!(all[0].wwnn, "d0000000c0000000", "a signed number");
        assert_eq!((all[1].name.as_str(), all[1].wwpn.as_str()), ("esx1 vmhba3 (FCoE over vmnic4)", "0000000000000001"));
    }
}

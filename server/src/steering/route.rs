//! Which interface of this host is on the network of an address.

use std::net::Ipv4Addr;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    pub name: String,
    pub index: i32,
    pub mac: [u8; 6],
}

/// # Errors
/// No interface is on that network, with what to do.
pub fn interface(address: Ipv4Addr) -> Result<Interface, String> {
    let table = std::fs::read_to_string("/proc/net/route").map_err(|e| format!("the routes of this node cannot be read: {e}."))?;
    let name = connected(&table, address).ok_or_else(|| format!("this node has no interface on the network of {address}."))?;
    let read = |file: &str| std::fs::read_to_string(format!("/sys/class/net/{name}/{file}")).unwrap_or_default();
    let index = read("ifindex").trim().parse().map_err(|_| format!("the interface {name} cannot be read."))?;
    let bytes: Vec<u8> = read("address").trim().split(':').filter_map(|b| u8::from_str_radix(b, 16).ok()).collect();
    let mac = bytes.try_into().map_err(|_| format!("the interface {name} has no Ethernet address."))?;
    Ok(Interface { name, index, mac })
}

/// The narrowest route without a gateway. The kernel writes addresses as it keeps them: in network order, read as a number.
fn connected(table: &str, address: Ipv4Addr) -> Option<String> {
    let wanted = u32::from_ne_bytes(address.octets());
    let routes = table.lines().skip(1).filter_map(|line| {
        let f: Vec<&str> = line.split_whitespace().collect();
        let hex = |i: usize| f.get(i).and_then(|t| u32::from_str_radix(t, 16).ok());
        let (to, gateway, mask) = (hex(1)?, hex(2)?, hex(7)?);
        let on_link = gateway == 0 && mask != 0 && wanted & mask == to;
        if on_link { Some((mask.count_ones(), (*f.first()?).to_owned())) } else { None }
    });
    routes.max_by_key(|r| r.0).map(|r| r.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_connected_network_wins() {
        let table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
            eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
            wide\t0000580A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
            svc\t0004580A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        assert_eq!(connected(table, Ipv4Addr::new(10, 88, 4, 100)).as_deref(), Some("svc"));
        assert_eq!(connected(table, Ipv4Addr::new(10, 88, 5, 1)).as_deref(), Some("wide"));
        assert_eq!(connected(table, Ipv4Addr::new(192, 0, 2, 1)), None);
    }
}

//! The facet `FloatingAddresses`: the account's Elastic IPs in this region, on network interfaces of its machines.

use super::{
    Ec2,
    fault::{change, look},
    inventory,
    link::Link,
    power::{LOOKS, TICK},
    tags::filter,
};
use crate::clouds::{
    FloatingAddress, FloatingAddresses,
    error::{Error, Result},
};
use async_trait::async_trait;
use aws_sdk_ec2::types::{Address, Filter, Instance, NetworkInterface};

/// So many values one filter may have.
const VALUES: usize = 200;

#[async_trait]
impl FloatingAddresses for Ec2 {
    async fn list(&self) -> Result<Vec<FloatingAddress>> {
        let all = addresses(&self.link, None).await?;
        let cards = cards(&self.link, &all).await?;
        Ok(all.iter().map(|one| shown(one, &cards)).collect())
    }

    /// On the card's first private address. One that was there before is pointed at nothing by EC2 itself.
    async fn assign(&self, address: &str, native_id: &str, mac: &str) -> Result<FloatingAddress> {
        let own = one(&self.link, address).await?;
        let machine = inventory::instance(&self.link, native_id).await?;
        let gone = || Error::not_found(format!("The machine has no card {mac}."));
        let card = card(&machine, mac).ok_or_else(gone)?;
        if own.network_interface_id() != Some(card) {
            let call = self.link.ec2().await?.associate_address().set_allocation_id(own.allocation_id).network_interface_id(card);
            change("point an Elastic IP", call.allow_reassociation(true).send()).await?;
        }
        // What was asked for is no proof.
        for _ in 0..LOOKS {
            let now = one(&self.link, address).await?;
            if now.network_interface_id() == Some(card) {
                let cards = cards(&self.link, std::slice::from_ref(&now)).await?;
                return Ok(shown(&now, &cards));
            }
            tokio::time::sleep(TICK).await;
        }
        Err(Error::transient(format!("{address} does not point at the machine although EC2 took it.")))
    }
}

async fn addresses(link: &Link, only: Option<Filter>) -> Result<Vec<Address>> {
    let call = link.ec2().await?.describe_addresses().set_filters(only.map(|one| vec![one]));
    Ok(look("Elastic IPs", call.send()).await?.addresses.unwrap_or_default())
}

async fn one(link: &Link, address: &str) -> Result<Address> {
    let none = || Error::not_found(format!("The account has no Elastic IP {address} in {}: allocate it there.", link.config.region));
    addresses(link, Some(filter("public-ip", [address]))).await?.into_iter().find(|one| one.public_ip() == Some(address)).ok_or_else(none)
}

/// Id of the interface.
fn card<'a>(machine: &'a Instance, mac: &str) -> Option<&'a str> {
    let has = |card: &&aws_sdk_ec2::types::InstanceNetworkInterface| card.mac_address().is_some_and(|own| own.eq_ignore_ascii_case(mac));
    machine.network_interfaces().iter().find(has)?.network_interface_id()
}

/// Those that some addresses are on.
async fn cards(link: &Link, all: &[Address]) -> Result<Vec<NetworkInterface>> {
    let ids: Vec<&str> = all.iter().filter_map(|one| one.network_interface_id().filter(|id| !id.is_empty())).collect();
    let (ec2, mut found) = (link.ec2().await?, vec![]);
    for some in ids.chunks(VALUES) {
        let call = ec2.describe_network_interfaces().filters(filter("network-interface-id", some.iter().copied()));
        found.extend(look("network interfaces", call.send()).await?.network_interfaces.unwrap_or_default());
    }
    Ok(found)
}

fn shown(one: &Address, cards: &[NetworkInterface]) -> FloatingAddress {
    let id = one.network_interface_id().filter(|id| !id.is_empty());
    let card = id.and_then(|id| cards.iter().find(|card| card.network_interface_id() == Some(id)));
    let machine = one.instance_id().filter(|id| !id.is_empty()).or_else(|| card?.attachment()?.instance_id());
    FloatingAddress {
        address: one.public_ip().unwrap_or_default().to_owned(),
        machine: machine.map(str::to_owned),
        mac: card.and_then(NetworkInterface::mac_address).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::{InstanceNetworkInterface, NetworkInterfaceAttachment};

    #[test]
    fn an_address_says_what_it_reaches() {
        let at = NetworkInterfaceAttachment::builder().instance_id("i-1").build();
        let card = NetworkInterface::builder().network_interface_id("eni-1").mac_address("02:00:00:00:00:01").attachment(at).build();
        let plain = Address::builder().public_ip("198.51.100.7");
        let on = shown(&plain.clone().network_interface_id("eni-1").instance_id("").build(), std::slice::from_ref(&card));
        assert_eq!((on.machine.as_deref(), on.mac.as_deref()), (Some("i-1"), Some("02:00:00:00:00:01")));
        let free = shown(&plain.network_interface_id("").instance_id("").build(), &[card]);
        assert_eq!((free.address.as_str(), free.machine, free.mac), ("198.51.100.7", None, None));
    }

    #[test]
    fn the_card_is_found_by_its_mac() {
        let nic = |id: &str, mac: &str| InstanceNetworkInterface::builder().network_interface_id(id).mac_address(mac).build();
        let both = [nic("eni-1", "02:00:00:00:00:0a"), nic("eni-2", "02:00:00:00:00:0b")];
        let machine = Instance::builder().set_network_interfaces(Some(both.to_vec())).build();
        assert_eq!(card(&machine, "02:00:00:00:00:0B"), Some("eni-2"));
        assert_eq!(card(&machine, "02:00:00:00:00:0c"), None);
    }
}

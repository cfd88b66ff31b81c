//! Disks and network cards as the cloud reports them.

use crate::{
    components::data_table::{Column, DataTable},
    format,
};
use leptos::prelude::*;
use model::machine::{Disk, Nic};

const DISKS: &[Column] =
    &[Column("Disk", ""), Column("Size", "num"), Column("Occupied", "num"), Column("Bus", ""), Column("Format", ""), Column("Pool", "")];
const NICS: &[Column] = &[Column("MAC", ""), Column("Network", ""), Column("Addresses", ""), Column("Model", "")];

pub fn disks(disks: &[Disk]) -> impl IntoView + use<> {
    let rows = disks.iter().cloned().map(disk).collect_view();
    view! { <DataTable caption="Disks" columns=DISKS>{rows}</DataTable> }
}

fn disk(disk: Disk) -> impl IntoView {
    let kind = (disk.device != "disk").then(|| format!(" {}", disk.device));
    let locked = disk.read_only.then_some(" read-only");
    view! {
        <tr title=disk.source>
            <th scope="row">{disk.key}<span class="soft">{kind}{locked}</span></th>
            <td class="num">{format::bytes(disk.size_bytes)}</td>
            <td class="num">{disk.allocated_bytes.map_or_else(|| "–".into(), format::bytes)}</td>
            <td>{disk.bus}</td>
            <td>{disk.format}</td>
            <td>{disk.pool}</td>
        </tr>
    }
}

pub fn nics(nics: &[Nic]) -> impl IntoView + use<> {
    let rows = nics.iter().cloned().map(nic).collect_view();
    view! { <DataTable caption="Network cards" columns=NICS>{rows}</DataTable> }
}

fn nic(nic: Nic) -> impl IntoView {
    let source = nic.address_source.map(|s| view! { <span class="soft">" by " {s}</span> });
    view! {
        <tr>
            <th scope="row" class="code">{nic.mac}</th>
            <td>{nic.network}</td>
            <td>{nic.addresses.join(", ")} {source}</td>
            <td>{nic.model}</td>
        </tr>
    }
}

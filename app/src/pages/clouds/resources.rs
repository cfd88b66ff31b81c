//! Hosts, networks, pools and Fibre Channel adapters of one cloud.

use crate::{
    components::{
        age::Age,
        data_table::{Column, DataTable},
        load::Fresh,
    },
    format,
};
use leptos::prelude::*;
use model::cloud::{Hba, Host, Network, Pool, Resources};

const HOSTS: &[Column] = &[Column("Host", ""), Column("Processors", "num"), Column("Model", ""), Column("Memory free", "num")];
const NETWORKS: &[Column] =
    &[Column("Network", ""), Column("Kind", ""), Column("Bridge", ""), Column("Addresses", ""), Column("VLAN", "num")];
const POOLS: &[Column] = &[Column("Pool", ""), Column("Kind", ""), Column("Free", "num"), Column("Path", "wide-only")];
const HBAS: &[Column] =
    &[Column("Adapter", ""), Column("WWNN", ""), Column("WWPN", ""), Column("Fabric", "wide-only"), Column("Virtual ports", "")];

pub fn draw(fresh: Fresh<Resources>) -> impl IntoView {
    let all = fresh.value;
    let hosts = move || all.with(|r| r.hosts.clone()).into_iter().map(host).collect_view();
    let networks = move || all.with(|r| r.networks.clone()).into_iter().map(network).collect_view();
    let pools = move || all.with(|r| r.pools.clone()).into_iter().map(pool).collect_view();
    let hbas = move || all.with(|r| r.hbas.clone()).into_iter().map(hba).collect_view();
    view! {
        <p class="soft">"What follows was seen " <Age at=Signal::derive(move || Some(all.with(|r| r.observed_at)))/> " ago."</p>
        <div class="columns">
            <section class="stack" aria-label="Hosts"><h2>"Hosts"</h2><DataTable caption="Hosts" columns=HOSTS>{hosts}</DataTable></section>
            <section class="stack" aria-label="Networks"><h2>"Networks"</h2><DataTable caption="Networks" columns=NETWORKS>{networks}</DataTable></section>
            <section class="stack" aria-label="Storage pools"><h2>"Storage pools"</h2><DataTable caption="Storage pools" columns=POOLS>{pools}</DataTable></section>
            <section class="stack" aria-label="Fibre Channel">
                <h2>"Fibre Channel adapters"</h2>
                <Show when=move || all.with(|r| !r.hbas.is_empty()) fallback=|| view! { <p class="soft">"None was found."</p> }>
                    <DataTable caption="Fibre Channel adapters" columns=HBAS>{hbas}</DataTable>
                </Show>
            </section>
        </div>
    }
}

fn host(host: Host) -> impl IntoView {
    view! {
        <tr>
            <th scope="row">{host.name}</th>
            <td class="num">{host.cpus}</td>
            <td>{host.cpu_model}</td>
            <td class="num">{format::mebibytes(host.memory_free_mib)} " of " {format::mebibytes(host.memory_mib)}</td>
        </tr>
    }
}

fn network(network: Network) -> impl IntoView {
    view! {
        <tr>
            <th scope="row">{network.name} {asleep(network.active)}</th>
            <td>{network.kind}</td>
            <td>{network.bridge}</td>
            <td class="code">{network.cidr}</td>
            <td class="num">{network.vlan}</td>
        </tr>
    }
}

fn pool(pool: Pool) -> impl IntoView {
    view! {
        <tr>
            <th scope="row">{pool.name} {asleep(pool.active)}</th>
            <td>{pool.kind}</td>
            <td class="num">{format::bytes(pool.free_bytes)} " of " {format::bytes(pool.total_bytes)}</td>
            <td class="code wide-only">{pool.path}</td>
        </tr>
    }
}

fn hba(hba: Hba) -> impl IntoView {
    view! {
        <tr>
            <th scope="row">{hba.name}</th>
            <td class="code">{hba.wwnn}</td>
            <td class="code">{hba.wwpn}</td>
            <td class="code wide-only">{hba.fabric_wwn}</td>
            <td>{if hba.vports { "yes" } else { "no" }}</td>
        </tr>
    }
}

fn asleep(active: bool) -> Option<impl IntoView> {
    (!active).then(|| view! { <span class="soft">" inactive"</span> })
}

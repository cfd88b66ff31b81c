//! All clouds: state, age, room, and the cloud's own words when it is not well.

use crate::{
    components::{
        age::Age,
        data_table::{Column, DataTable},
        empty_state::EmptyState,
        load::{Fresh, load},
        page_header::PageHeader,
        simulated_badge::SimulatedBadge,
        status,
    },
    format,
    order::natural,
};
use leptos::prelude::*;
use model::{
    Page,
    cloud::{Capacity, Cloud},
    live::Topic,
};

const COLUMNS: &[Column] = &[
    Column("Cloud", ""),
    Column("Site", ""),
    Column("State", ""),
    Column("Seen", "num"),
    Column("Machines up", "num"),
    Column("Memory free", "num wide-only"),
    Column("Storage free", "num wide-only"),
    Column("Kind", "wide-only"),
];

#[component]
pub fn CloudsPage() -> impl IntoView {
    view! {
        <PageHeader title="Clouds">
            <a class="button primary" href="/clouds/add">"Add cloud"</a>
        </PageHeader>
        {load(|| "/clouds?limit=500".to_owned(), &[Topic::Cloud, Topic::Machines], draw)}
    }
}

fn draw(fresh: Fresh<Page<Cloud>>) -> impl IntoView {
    let rows = move || {
        let mut all = fresh.value.with(|p| p.items.clone());
        all.sort_by(|a, b| natural(&a.name, &b.name));
        all.into_iter().map(line).collect_view()
    };
    view! {
        <Show when=move || fresh.value.with(|p| !p.items.is_empty()) fallback=none>
            <DataTable caption="Clouds" columns=COLUMNS>{rows}</DataTable>
        </Show>
    }
}

fn none() -> impl IntoView {
    view! {
        <EmptyState title="No cloud is connected yet">
            <p>"A cloud is one control plane: a libvirt host, or a project of an OpenStack cloud."</p>
        </EmptyState>
    }
}

fn line(cloud: Cloud) -> impl IntoView {
    let words = cloud.message.map(|m| view! { <br/><span class="soft">{m}</span> });
    let retry = cloud.retry_at.map(|t| view! { <br/><span class="soft">"next try " <crate::components::age::TimeOfDay at=t/></span> });
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/clouds/{}", cloud.id)>{cloud.name}</a> " " {cloud.simulated.then(|| view! { <SimulatedBadge/> })}
            </th>
            <td>{cloud.site}</td>
            <td>{status::of(cloud.status)} {words} {retry}</td>
            <td class="num"><Age at=cloud.observed_at/></td>
            <td class="num">{cloud.running} " of " {cloud.machines}</td>
            <td class="num wide-only">{room(cloud.capacity, |c| format!("{} of {}", format::mebibytes(c.memory_free_mib), format::mebibytes(c.memory_mib)))}</td>
            <td class="num wide-only">{room(cloud.capacity, |c| format!("{} of {}", format::bytes(c.storage_free_bytes), format::bytes(c.storage_bytes)))}</td>
            <td class="wide-only">{cloud.kind}</td>
        </tr>
    }
}

fn room(capacity: Option<Capacity>, write: fn(&Capacity) -> String) -> String {
    capacity.as_ref().map_or_else(|| "–".to_owned(), write)
}

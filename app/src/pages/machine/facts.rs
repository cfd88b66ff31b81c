//! The normalised fields. State and age stand together: what is old must not look new.

use crate::{
    components::{
        age::Age,
        status::{self, Shown},
    },
    format,
};
use leptos::prelude::*;
use model::{
    cloud::CloudStatus,
    machine::{Firmware, Machine},
};

pub fn facts(machine: &Machine) -> impl IntoView + use<> {
    let row = &machine.row;
    let state = match row.cloud_status {
        CloudStatus::Ok => status::of(row.state).into_any(),
        unseen => view! {
            <span class="old">"was " {row.state.word().to_lowercase()}</span>
            <p class="soft">"Last known. Its cloud: " {unseen.word().to_lowercase()} "."</p>
        }
        .into_any(),
    };
    let gone = machine.gone_at.map(|t| view! { <p class="banner" data-tone="warn">"It was seen gone from its cloud " <Age at=Some(t)/> " ago; this is the record of it."</p> });
    let locked = machine.locked.clone().map(|why| view! { <p class="banner" data-tone="warn">"Locked against start: " {why}</p> });
    let run = row
        .run_id
        .clone()
        .map(|id| view! { <p class="banner">"A run works on it now. " <a href=format!("/runs/{id}")>"Watch the run"</a></p> });
    view! {
        {gone} {locked} {run}
        <dl class="facts">
            <div><dt>"State"</dt><dd>{state}</dd></div>
            <div><dt>"Seen"</dt><dd><Age at=Some(row.observed_at)/> " ago"</dd></div>
            <div><dt>"Site"</dt><dd>{row.site.clone()}</dd></div>
            <div><dt>"Cloud"</dt><dd><a href=format!("/clouds/{}", row.cloud_id)>{row.cloud.clone()}</a></dd></div>
            <div><dt>"vCPUs"</dt><dd class="num">{row.vcpus}</dd></div>
            <div><dt>"Memory"</dt><dd class="num">{format::mebibytes(row.memory_mib)}</dd></div>
            <div><dt>"Firmware"</dt><dd>{firmware(machine.firmware)}</dd></div>
            <div><dt>"Architecture"</dt><dd>{machine.arch.clone().unwrap_or_else(unknown)}</dd></div>
            <div><dt>"Guest"</dt><dd>{machine.guest_os.clone().unwrap_or_else(unknown)}</dd></div>
            <div><dt>"Starts with its host"</dt><dd>{autostart(machine.autostart)}</dd></div>
            <div><dt>"Tags"</dt><dd class="tags">{row.tags.iter().map(|t| view! { <span>{t.clone()}</span> }).collect_view()}</dd></div>
            <div><dt>"Identifier at the cloud"</dt><dd class="code">{machine.native_id.clone()}</dd></div>
        </dl>
    }
}

fn unknown() -> String {
    "not known".to_owned()
}

fn firmware(firmware: Firmware) -> &'static str {
    match firmware {
        Firmware::Bios => "BIOS",
        Firmware::Uefi => "UEFI",
        Firmware::DirectKernel => "Kernel loaded by the hypervisor",
    }
}

fn autostart(autostart: Option<bool>) -> &'static str {
    match autostart {
        Some(true) => "yes",
        Some(false) => "no",
        None => "the cloud has no such setting",
    }
}

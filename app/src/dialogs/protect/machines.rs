//! Which of the chosen machines can be protected, and at which site they are.

use crate::api;
use leptos::prelude::*;
use model::{
    Id,
    machine::{CopyRole, Machine},
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    pub free: Vec<Id>,
    pub sites: Vec<String>,
    /// Name, and why not.
    pub refused: Vec<(String, String)>,
}

impl Chosen {
    /// The site of all that can be protected, or why there is none.
    pub fn one_site(&self) -> Result<String, String> {
        match self.sites.as_slice() {
            [site] => Ok(site.clone()),
            [] if self.refused.is_empty() => Err("No machine is chosen.".into()),
            [] => Err(format!("None of them can be protected: {}.", self.reasons())),
            more => {
                Err(format!("They are at several sites ({}); a group protects one site. Choose machines of one site.", more.join(", ")))
            }
        }
    }

    fn reasons(&self) -> String {
        self.refused.iter().map(|(name, why)| format!("{name} {why}")).collect::<Vec<_>>().join("; ")
    }

    fn take(&mut self, machine: &Machine) {
        let row = &machine.row;
        if let Some(why) = refusal(machine) {
            return self.refused.push((row.name.clone(), why));
        }
        self.free.push(row.id.clone());
        if !self.sites.contains(&row.site) {
            self.sites.push(row.site.clone());
        }
    }
}

fn refusal(machine: &Machine) -> Option<String> {
    let row = &machine.row;
    if let Some(protection) = &row.protection {
        return Some(format!("is protected by {} already", protection.group));
    }
    if row.role == Some(CopyRole::Superseded) {
        return Some("is a superseded copy".into());
    }
    machine.actions.iter().find(|a| a.name == "protect").and_then(|a| a.refused.clone())
}

pub async fn read(ids: Vec<Id>) -> api::Result<Chosen> {
    let mut chosen = Chosen::default();
    for id in ids {
        chosen.take(&api::get::<Machine>(&format!("/machines/{id}")).await?);
    }
    Ok(chosen)
}

pub fn refused_note(refused: &[(String, String)]) -> impl IntoView + use<> {
    let lines = refused.iter().map(|(name, why)| format!("{name} {why}.")).collect::<Vec<_>>();
    (!lines.is_empty()).then(|| view! { <div class="dialog-body"><p class="note"><span>"Left out: "{lines.join(" ")}</span></p></div> })
}

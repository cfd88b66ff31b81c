//! The editor of a plan: everything it says, changed on a draft, saved at once or not at all.

use super::{addresses::Addresses, callouts::Callouts, columns::Columns, groups::Groups, save::Save};
use crate::components::field::TextField;
use leptos::prelude::*;
use model::{Id, Page, plan::PlanSpec, protection::Group};

/// The draft and what it is compared with.
#[derive(Clone, Copy)]
pub struct Draft {
    pub spec: RwSignal<PlanSpec>,
    pub saved: RwSignal<PlanSpec>,
    pub name: RwSignal<String>,
    pub groups: RwSignal<Page<Group>>,
    /// Of the plan as it is saved now, and of what this draft began from.
    pub version: RwSignal<i64>,
    pub base: RwSignal<i64>,
    /// Counts up when the draft is replaced as a whole: the fields are then drawn anew.
    round: RwSignal<u32>,
}

impl Draft {
    fn new(saved: RwSignal<PlanSpec>, version: RwSignal<i64>, groups: RwSignal<Page<Group>>) -> Self {
        let spec = RwSignal::new(saved.get_untracked());
        let name = RwSignal::new(spec.with_untracked(|s| s.name.clone()));
        let draft = Self { spec, saved, name, groups, version, base: RwSignal::new(version.get_untracked()), round: RwSignal::new(0) };
        draft.follow();
        draft
    }

    /// Somebody else's save is taken over as long as nothing was changed here.
    fn follow(self) {
        Effect::new(move |before: Option<PlanSpec>| {
            let saved = self.saved.get();
            self.version.track();
            if before.is_some_and(|before| self.whole_untracked() == before) {
                self.reset();
            }
            saved
        });
    }

    /// Throws away what was changed here.
    pub fn reset(self) {
        let saved = self.saved.get_untracked();
        self.name.set(saved.name.clone());
        self.spec.set(saved);
        self.base.set(self.version.get_untracked());
        self.round.update(|n| *n += 1);
    }

    /// Reactive: the spec as it would be saved.
    pub fn whole(self) -> PlanSpec {
        PlanSpec { name: self.name.get().trim().into(), ..self.spec.get() }
    }

    pub fn whole_untracked(self) -> PlanSpec {
        untrack(move || self.whole())
    }

    pub fn changed(self) -> bool {
        self.whole() != self.saved.get()
    }
}

#[component]
pub fn Editor(groups: RwSignal<Page<Group>>, saved: RwSignal<PlanSpec>, version: RwSignal<i64>, id: Option<Id>) -> impl IntoView {
    let draft = Draft::new(saved, version, groups);
    view! {
        <div class="plan-editor">
            <div class="form"><TextField label="Name" name="plan-name" value=draft.name required=true/></div>
            <Groups draft/>
            {move || {
                draft.round.track();
                view! {
                    <Columns draft/>
                    <Addresses draft/>
                    <Callouts draft/>
                }
            }}
            <Save draft id/>
        </div>
    }
}

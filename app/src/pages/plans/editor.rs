//! The editor of a plan: everything it says, changed on a draft, saved at once or not at all.

use super::{addresses::Addresses, callouts::Callouts, columns::Columns, draft, groups::Groups, save::Save};
use crate::components::field::TextField;
use leptos::prelude::*;
use model::{Id, Page, error::ApiError, plan::PlanSpec, protection::Group};
use std::collections::BTreeMap;

/// The draft and what it is compared with.
#[derive(Clone, Copy)]
pub struct Draft {
    pub spec: RwSignal<PlanSpec>,
    pub saved: RwSignal<PlanSpec>,
    pub name: RwSignal<String>,
    pub groups: RwSignal<Page<Group>>,
    /// What is typed and cannot be meant, by field: whose it is, and the reason. It is not in `spec`, so it must stop the save.
    typed: RwSignal<BTreeMap<String, (String, String)>>,
    /// What the node said of the last try to save.
    pub refusal: RwSignal<Option<ApiError>>,
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
        let (typed, refusal) = (RwSignal::new(BTreeMap::new()), RwSignal::new(None));
        let base = RwSignal::new(version.get_untracked());
        let draft = Self { spec, saved, name, groups, typed, refusal, version, base, round: RwSignal::new(0) };
        draft.follow();
        draft.forget();
        draft
    }

    /// Somebody else's save is taken over as long as nothing was changed here.
    fn follow(self) {
        Effect::new(move |before: Option<PlanSpec>| {
            let saved = self.saved.get();
            self.version.track();
            if before.is_some_and(|before| self.whole_untracked() == before) && self.typed.with_untracked(BTreeMap::is_empty) {
                self.reset();
            }
            saved
        });
    }

    /// What the node said is about the draft as it was: a change takes it away.
    fn forget(self) {
        Effect::new(move |before: Option<PlanSpec>| {
            let now = self.whole();
            if before.is_some_and(|before| before != now) {
                self.refusal.set(None);
            }
            now
        });
    }

    /// Keeps what a field says against its own text, as long as the field is on the screen.
    pub fn watch(self, field: String, about: String, fault: Signal<Option<String>>) {
        let own = field.clone();
        Effect::new(move |_| match fault.get() {
            Some(text) => drop(self.typed.try_update(|all| all.insert(field.clone(), (about.clone(), text)))),
            None if self.typed.with_untracked(|all| all.contains_key(&field)) => drop(self.typed.try_update(|all| all.remove(&field))),
            None => {}
        });
        on_cleanup(move || drop(self.typed.try_update(|all| all.remove(&own))));
    }

    /// Reactive: everything that stands against the save, in words.
    pub fn faults(self) -> Vec<String> {
        let typed = self.typed.with(|all| all.values().map(|(about, text)| format!("{about}: {text}")).collect::<Vec<_>>());
        draft::faults(&self.whole()).into_iter().map(|(_, text)| text).chain(typed).collect()
    }

    /// Reactive: what the node said of a field, as it names it: `callouts[0].action.program`.
    pub fn said(self, field: impl Fn() -> Option<String> + Send + Sync + 'static) -> Signal<Option<String>> {
        Signal::derive(move || {
            let wanted = field()?;
            self.refusal.with(|r| r.as_ref()?.fields.iter().find(|f| f.field == wanted).map(|f| f.message.clone()))
        })
    }

    /// Throws away what was changed here.
    pub fn reset(self) {
        let saved = self.saved.get_untracked();
        self.name.set(saved.name.clone());
        self.spec.set(saved);
        self.refusal.set(None);
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
        self.whole() != self.saved.get() || self.typed.with(|all| !all.is_empty())
    }
}

#[component]
pub fn Editor(groups: RwSignal<Page<Group>>, saved: RwSignal<PlanSpec>, version: RwSignal<i64>, id: Option<Id>) -> impl IntoView {
    let draft = Draft::new(saved, version, groups);
    view! {
        <div class="plan-editor">
            <div class="form"><TextField label="Name" name="plan-name" value=draft.name required=true error=draft.said(|| Some("name".into()))/></div>
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

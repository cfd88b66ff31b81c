//! Where each group comes up, where it has a choice: by hand, or filled one after the other.

use super::loss::Choices;
use crate::{components::field::SelectField, format, state::Clock};
use leptos::prelude::*;
use model::{
    Id, Millis,
    failover::{GroupTargets, TargetChoice, TargetOption},
    run::BlastRadius,
};

/// What the blast radius is asked with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub targets: Vec<TargetChoice>,
    pub spread: bool,
}

impl Wanted {
    pub fn query(&self) -> String {
        let all: Vec<String> = self.targets.iter().map(|t| format!("{}:{}", t.group_id, t.cloud_id)).collect();
        format!("?targets={}&spread={}", all.join(","), self.spread)
    }
}

/// As it is shown: that is what a press sends.
pub fn shown(radius: Option<&BlastRadius>) -> Vec<TargetChoice> {
    let all = radius.map(|r| r.targets.iter()).into_iter().flatten();
    all.filter(|g| g.options.len() > 1).map(|g| TargetChoice { group_id: g.group_id.clone(), cloud_id: g.cloud_id.clone() }).collect()
}

#[component]
pub fn Targets(radius: RwSignal<Option<BlastRadius>>, wanted: RwSignal<Wanted>, choices: Choices) -> impl IntoView {
    let groups = Memo::new(move |_| {
        let all = radius.with(|r| r.as_ref().map(|r| r.targets.clone()).unwrap_or_default());
        all.into_iter().filter(|g| g.options.len() > 1).collect::<Vec<_>>()
    });
    let ask = move |next: Wanted| {
        // Older points lie at the target that they were chosen at.
        choices.update(|c| c.clear());
        wanted.set(next);
    };
    let choose = Callback::new(move |(group, cloud): (Id, Id)| {
        let mut targets = radius.with_untracked(|r| shown(r.as_ref()));
        targets.iter_mut().filter(|t| t.group_id == group).for_each(|t| t.cloud_id.clone_from(&cloud));
        ask(Wanted { targets, spread: false });
    });
    view! {
        <Show when=move || groups.with(|g| !g.is_empty())>
            <section class="come-up" aria-labelledby="targets-title">
                <h3 id="targets-title">"Where they come up"</h3>
                {move || groups.get().into_iter().map(|group| view! { <One group choose/> }).collect_view()}
                <p>
                    <button type="button" class="button small" on:click=move |_| ask(Wanted { targets: vec![], spread: true })>"Spread over the targets"</button>
                    <span class="sub">" Each group goes to its main target while that has room, then to the next."</span>
                </p>
            </section>
        </Show>
    }
}

#[component]
fn One(group: GroupTargets, choose: Callback<(Id, Id)>) -> impl IntoView {
    let now = Clock::get();
    let id = group.group_id.clone();
    let value = RwSignal::new(group.cloud_id.clone());
    let chosen = group.cloud_id.clone();
    Effect::new(move |_| {
        let cloud = value.get();
        if cloud != chosen {
            choose.run((id.clone(), cloud));
        }
    });
    let label = format!("{} ({} machines, {} of memory)", group.group, group.machines, format::mebibytes(group.memory_mib));
    let options = Signal::derive(move || group.options.iter().map(|o| (o.cloud_id.clone(), words(o, now.get()))).collect::<Vec<_>>());
    view! { <SelectField label=label name=format!("target-of-{}", group.group_id) value=value options=options/> }
}

fn words(option: &TargetOption, now: Millis) -> String {
    let room = option.memory_free_mib.map_or_else(|| "does not answer".into(), |mib| format!("{} free", format::mebibytes(mib)));
    let point = option
        .point_at
        .and_then(|at| model::age(at, now))
        .map_or_else(|| "no point".into(), |ms| format!("points {} old", format::age(ms)));
    let without = if option.without > 0 { format!(", {} without a point", option.without) } else { String::new() };
    let main = if option.main { ", main target" } else { "" };
    format!("{} at {}{main}: {room}, {point}{without}", option.cloud, option.site)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_sends_what_is_shown_and_the_question_names_it() {
        let wanted = Wanted { targets: vec![TargetChoice { group_id: "g".into(), cloud_id: "c".into() }], spread: false };
        assert_eq!(wanted.query(), "?targets=g:c&spread=false");
        assert_eq!(Wanted { targets: vec![], spread: true }.query(), "?targets=&spread=true");
    }

    #[test]
    fn an_option_says_how_old_its_points_are_and_what_it_lacks() {
        let option = TargetOption {
            cloud_id: "c".into(),
            cloud: "cumulus".into(),
            site: "cologne".into(),
            main: false,
            point_at: Some(0),
            without: 2,
            memory_free_mib: Some(2048),
        };
        let text = words(&option, 5_000);
        assert!(text.starts_with("cumulus at cologne: 2") && text.ends_with("2 without a point"), "{text}");
    }
}

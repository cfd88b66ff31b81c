//! One group in the list: where to, how its machines stand.

use super::lag::LagBar;
use crate::{
    components::{
        progress::TransferProgress,
        status::{Status, StatusOf, Tone},
    },
    format,
    state::Clock,
};
use leptos::prelude::*;
use model::{
    Page,
    protection::{Group, Member, Policy, ReplicationState},
};

/// Of a large group only so many are in the list; the group's own page has all.
const LISTED: usize = 12;

/// Those above the objective first.
fn worst(group: &Group, now: model::Millis) -> Vec<String> {
    let mut all: Vec<&Member> = group.members.iter().collect();
    all.sort_by_key(|m| !m.replication.in_breach(&group.policy, now));
    all.into_iter().take(LISTED).map(|m| m.id.clone()).collect()
}

#[component]
pub fn GroupCard(id: String, page: RwSignal<Page<Group>>) -> impl IntoView {
    let Some(first) = page.with_untracked(|p| p.items.iter().find(|g| g.id == id).cloned()) else { return ().into_any() };
    let (href, title) = (format!("/protection/{id}"), format!("group-{id}"));
    let heading = title.clone();
    let group = Memo::new(move |_| page.with(|p| p.items.iter().find(|g| g.id == id).cloned()).unwrap_or_else(|| first.clone()));
    let now = Clock::get();
    let members = Memo::new(move |_| group.with(|g| worst(g, now.get_untracked())));
    let rest = Memo::new(move |_| group.with(|g| g.members.len().saturating_sub(LISTED)));
    let more = href.clone();
    view! {
        <section class="card group-card" aria-labelledby=heading>
            <header>
                <h2 id=title><a href=href>{move || group.with(|g| g.name.clone())}</a></h2>
                <p class="sub">{move || group.with(|g| format!("{} → {} ({})", g.protected_site, g.recovery_site, g.target_cloud))}</p>
                <Verdict group/>
            </header>
            <ul class="member-lines">
                <For each=move || members.get() key=String::clone let:id>
                    <Line id group/>
                </For>
            </ul>
            <Show when=move || { rest.get() > 0 }><p class="soft"><a href=more.clone()>"and "{rest}" more machines"</a></p></Show>
            <Show when=move || members.with(Vec::is_empty)><p class="note">"No machine yet: this group protects nothing."</p></Show>
        </section>
    }
    .into_any()
}

/// Paused and breaches first: they are why one looks.
#[component]
fn Verdict(group: Memo<Group>) -> impl IntoView {
    let now = Clock::get();
    let verdict = Memo::new(move |_| group.with(|g| verdict(g, now.get())));
    view! { <Status tone=Signal::derive(move || verdict.with(|v| v.0)) label=Signal::derive(move || verdict.with(|v| v.1.clone()))/> }
}

pub fn verdict(group: &Group, now: model::Millis) -> (Tone, String) {
    let all = group.members.len();
    let breaches = group.members.iter().filter(|m| m.replication.in_breach(&group.policy, now)).count();
    let recovered = group.members.iter().filter(|m| m.replication.state == ReplicationState::Recovered).count();
    let objective = format::seconds(group.policy.rpo_seconds);
    match (group.paused, all, breaches) {
        (true, ..) => (Tone::Warn, "Paused: no new recovery points".into()),
        (_, 0, _) => (Tone::Idle, "Empty".into()),
        // Nothing flows for these: an old recovery point within its objective protects nobody.
        (_, _, 0) if recovered > 0 => (Tone::Warn, format!("{recovered} of {all} recovered, not protected now")),
        (_, _, 0) => (Tone::Good, format!("{all} within {objective}")),
        _ => (Tone::Bad, format!("{breaches} of {all} above {objective}")),
    }
}

#[component]
fn Line(id: String, group: Memo<Group>) -> impl IntoView {
    let Some(first) = untrack(|| find(group, &id)) else { return ().into_any() };
    let member = Memo::new(move |_| find(group, &id).unwrap_or_else(|| first.clone()));
    let policy = Signal::derive(move || group.with(|g| g.policy.clone()));
    view! { <MemberLine member policy/> }.into_any()
}

fn find(group: Memo<Group>, id: &str) -> Option<Member> {
    group.with(|g| g.members.iter().find(|m| m.id == id).cloned())
}

#[component]
fn MemberLine(member: Memo<Member>, policy: Signal<Policy>) -> impl IntoView {
    let transfer = Memo::new(move |_| member.with(|m| m.replication.transfer));
    view! {
        <li>
            <a class="member-name" href=move || member.with(|m| format!("/machines/{}", m.machine_id))>{move || member.with(|m| m.name.clone())}</a>
            <StatusOf<ReplicationState> of=Signal::derive(move || member.with(|m| m.replication.state))/>
            <LagBar replication=Signal::derive(move || member.with(|m| m.replication.clone())) policy/>
            <Show when=move || transfer.get().is_some()>
                <TransferProgress transfer=Signal::derive(move || transfer.get().unwrap_or_default())/>
            </Show>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::protection::sample;

    #[test]
    fn of_a_large_group_those_above_the_objective_are_listed() {
        let mut group = sample::group();
        let one = group.members[0].clone();
        group.members = (0..30).map(|n| Member { id: format!("m{n}"), ..one.clone() }).collect();
        group.members[29].replication.newest_point_at = None;
        let listed = worst(&group, 1_000);
        assert_eq!((listed.len(), listed[0].as_str(), listed[1].as_str()), (LISTED, "m29", "m0"));
    }

    #[test]
    fn a_paused_group_says_so_before_anything_else() {
        let mut group = sample::group();
        assert_eq!(verdict(&group, 1_000).0, Tone::Good);
        assert_eq!(verdict(&group, 61_000).1, "1 of 1 above 1 min");
        group.members[0].replication.state = ReplicationState::Recovered;
        assert_eq!(verdict(&group, 1_000), (Tone::Warn, "1 of 1 recovered, not protected now".into()));
        group.paused = true;
        assert_eq!(verdict(&group, 61_000).0, Tone::Warn);
    }
}

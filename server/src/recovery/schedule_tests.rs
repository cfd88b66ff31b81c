//! The scheduler against random runs: whatever happens, the rules of the edges hold and the run comes to an end.

use super::*;
use proptest::prelude::*;
use std::collections::HashSet;

fn step(key: &str, needs: &[&str], after: &[&str]) -> StepView {
    let list = |l: &[&str]| l.iter().map(|s| (*s).to_owned()).collect();
    StepView {
        key: key.into(),
        state: StepState::Pending,
        needs: list(needs),
        after: list(after),
        on_error: OnError::GoOn,
        decision: None,
        goal: key.ends_with("start"),
        undo: false,
        closing: false,
        in_flight: false,
    }
}

fn view(steps: Vec<StepView>) -> View {
    View { desired: Desired::Run, state: RunState::Queued, steps }
}

fn started(decided: &[Do]) -> Vec<&str> {
    decided.iter().filter_map(|d| if let Do::Start(key) = d { Some(key.as_str()) } else { None }).collect()
}

#[test]
fn what_is_needed_comes_first_and_the_rest_goes_at_once() {
    let mut v = view(vec![step("a", &[], &[]), step("b", &["a"], &[]), step("c", &[], &["a"]), step("d", &[], &[])]);
    assert_eq!(started(&next(&v)), ["a", "d"]);
    v.steps[0].state = StepState::Succeeded;
    v.steps[3].state = StepState::Succeeded;
    assert_eq!(started(&next(&v)), ["b", "c"]);
}

#[test]
fn a_failure_skips_what_needs_it_and_nothing_else() {
    let mut v = view(vec![step("db1.start", &[], &[]), step("app.start", &["db1.start"], &[]), step("db2.start", &[], &["db1.start"])]);
    v.steps[0].state = StepState::Failed;
    let decided = next(&v);
    assert!(
        matches!(&decided[0], Do::Settle { key, state: StepState::Skipped, message } if key == "app.start" && message.contains("db1.start"))
    );
    v.steps[1].state = StepState::Skipped;
    assert_eq!(started(&next(&v)), ["db2.start"]);
    v.steps[2].state = StepState::Succeeded;
    assert!(matches!(&next(&v)[0], Do::Finish(RunState::SucceededWithErrors, Some(why)) if why.contains("db1.start")));
}

#[test]
fn a_failure_that_waits_holds_what_comes_after_it() {
    let mut v = view(vec![step("stop", &[], &[]), step("create", &["stop"], &[]), step("finish", &[], &["stop", "create"])]);
    v.steps[0].state = StepState::Failed;
    v.steps[0].on_error = OnError::Wait;
    assert!(matches!(&next(&v)[..], [Do::State(RunState::Waiting, Some(_))]));
    v.steps[0].decision = Some(Decision::Retry { by: "anna".into() });
    assert!(matches!(&next(&v)[..], [Do::Reopen { key, .. }] if key == "stop"));
}

#[test]
fn a_retry_brings_back_what_was_skipped_because_of_it() {
    let mut v = view(vec![step("a", &[], &[]), step("b", &["a"], &[]), step("c", &["b"], &[]), step("d", &[], &[])]);
    v.steps[0].state = StepState::Failed;
    v.steps[1].state = StepState::Skipped;
    v.steps[2].state = StepState::Skipped;
    v.steps[0].decision = Some(Decision::Retry { by: "anna".into() });
    assert_eq!(next(&v), [Do::Reopen { key: "a".into(), skipped: vec!["b".into(), "c".into()], by: "anna".into() }]);
}

#[test]
fn skipped_by_a_person_counts_as_done() {
    let mut v = view(vec![step("health", &[], &[]), step("steer", &["health"], &[])]);
    v.steps[0].state = StepState::Failed;
    v.steps[0].on_error = OnError::Wait;
    v.steps[0].decision = Some(Decision::Skip { by: "anna".into(), reason: "known".into() });
    assert!(matches!(&next(&v)[..], [Do::Settle { state: StepState::Skipped, .. }]));
    v.steps[0].state = StepState::Skipped;
    assert_eq!(started(&next(&v)), ["steer"]);
}

#[test]
fn pause_begins_nothing_but_ends_what_a_lost_node_had_begun() {
    let mut v = view(vec![step("a", &[], &[]), step("b", &[], &[])]);
    v.desired = Desired::Pause;
    assert!(matches!(&next(&v)[..], [Do::State(RunState::Paused, None)]));
    v.steps[0].state = StepState::Running;
    assert_eq!(started(&next(&v)), ["a"]);
}

#[test]
fn cancel_ends_what_is_under_way_then_undoes() {
    let mut v = view(vec![step("a", &[], &[]), step("b", &["a"], &[])]);
    v.desired = Desired::Cancel;
    v.steps[0].state = StepState::Running;
    v.steps[0].in_flight = true;
    assert_eq!(next(&v)[0], Do::Interrupt("a".into()));
    v.steps[0].in_flight = false;
    assert_eq!(next(&v), [Do::Unwind]);
    v.steps.iter_mut().for_each(|s| s.state = StepState::Cancelled);
    v.steps.push(StepView { undo: true, on_error: OnError::Wait, ..step("undo", &[], &[]) });
    v.state = RunState::Cancelling;
    assert_eq!(started(&next(&v)), ["undo"]);
    v.steps[2].state = StepState::Succeeded;
    assert!(matches!(&next(&v)[..], [Do::Finish(RunState::Cancelled, None)]));
}

#[test]
fn a_prompt_makes_the_run_wait_and_its_answer_goes_on() {
    let mut v = view(vec![step("ask", &[], &[]), step("b", &["ask"], &[])]);
    v.steps[0].state = StepState::Waiting;
    assert!(matches!(&next(&v)[..], [Do::State(RunState::Waiting, Some(_))]));
    v.steps[0].decision = Some(Decision::Answer { by: "anna".into(), proceed: true, comment: "ok".into() });
    assert!(matches!(&next(&v)[..], [Do::Settle { state: StepState::Succeeded, .. }]));
}

/// A run as a world: steps fly and land in a random order with random results.
#[derive(Clone, Debug)]
struct Dice {
    edges: Vec<Vec<(usize, bool)>>,
    fails: Vec<bool>,
    order: Vec<usize>,
    crashes: Vec<bool>,
}

fn dice() -> impl Strategy<Value = Dice> {
    (1usize..12).prop_flat_map(|n| {
        let edges =
            (0..n).map(|i| prop::collection::vec((0..i.max(1), any::<bool>()), 0..3).prop_map(move |e| if i == 0 { vec![] } else { e }));
        let edges = edges.collect::<Vec<_>>();
        let fails = prop::collection::vec(prop::bool::weighted(0.25), n);
        (edges, fails, prop::collection::vec(0usize..100, 64), prop::collection::vec(prop::bool::weighted(0.2), 64))
            .prop_map(|(edges, fails, order, crashes)| Dice { edges, fails, order, crashes })
    })
}

fn world(d: &Dice) -> View {
    let key = |i: usize| format!("s{i}");
    let steps = d.edges.iter().enumerate().map(|(i, edges)| {
        let pick = |needs: bool| edges.iter().filter(move |(_, n)| *n == needs).map(|(j, _)| key(*j)).collect();
        StepView { needs: pick(true), after: pick(false), ..step(&key(i), &[], &[]) }
    });
    view(steps.collect())
}

/// The rules, checked at every start.
fn may_start(v: &View, key: &str) -> Result<(), TestCaseError> {
    let of = |k: &String| v.steps.iter().find(|s| &s.key == k).map(|s| s.state);
    let s = v.steps.iter().find(|s| s.key == key).ok_or_else(|| TestCaseError::fail("unknown step"))?;
    prop_assert!(s.needs.iter().all(|n| of(n) == Some(StepState::Succeeded)), "{key} began before what it needs");
    prop_assert!(s.after.iter().all(|a| of(a).is_some_and(StepState::is_over)), "{key} began too early");
    prop_assert!(!s.in_flight, "{key} began twice");
    Ok(())
}

proptest! {
    #[test]
    fn every_run_comes_to_its_end_by_the_rules(d in dice()) {
        let mut v = world(&d);
        let mut begun: HashSet<String> = HashSet::new();
        for turn in 0..400 {
            let decided = next(&v);
            for one in &decided {
                match one {
                    Do::Start(key) => {
                        may_start(&v, key)?;
                        begun.insert(key.clone());
                        let s = v.steps.iter_mut().find(|s| &s.key == key).unwrap();
                        s.state = StepState::Running;
                        s.in_flight = true;
                    }
                    Do::Settle { key, state, .. } => {
                        prop_assert!(!begun.contains(key), "{} was begun and then skipped", key);
                        v.steps.iter_mut().find(|s| &s.key == key).unwrap().state = *state;
                    }
                    Do::State(state, _) => v.state = *state,
                    Do::Finish(state, _) => {
                        prop_assert!(v.steps.iter().all(|s| s.state.is_over()));
                        let clean = v.steps.iter().all(|s| s.state == StepState::Succeeded);
                        prop_assert_eq!(clean, *state == RunState::Succeeded);
                        return Ok(());
                    }
                    other => prop_assert!(false, "nobody asked for {:?}", other),
                }
            }
            if d.crashes[turn % d.crashes.len()] {
                // The node dies: what was under way is left running without anybody.
                v.steps.iter_mut().for_each(|s| s.in_flight = false);
                continue;
            }
            let flying: Vec<usize> = (0..v.steps.len()).filter(|i| v.steps[*i].in_flight).collect();
            if let Some(at) = flying.get(d.order[turn % d.order.len()] % flying.len().max(1)) {
                v.steps[*at].in_flight = false;
                v.steps[*at].state = if d.fails[*at] { StepState::Failed } else { StepState::Succeeded };
            }
        }
        prop_assert!(false, "the run never ended");
    }

    #[test]
    fn a_run_that_is_cancelled_begins_nothing_more(d in dice(), at in 0usize..12) {
        let mut v = world(&d);
        v.desired = Desired::Cancel;
        let n = v.steps.len();
        v.steps[at % n].state = StepState::Succeeded;
        prop_assert_eq!(next(&v), vec![Do::Unwind]);
    }
}

//! The node is killed at every wait of a cycle, one after the other: the newest committed point is always whole and
//! equal to what the source held at its instant, nothing stays behind, and nothing has to be copied twice.

use super::support::lab;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_anywhere_the_newest_point_is_whole_and_nothing_is_left() {
    let mut lab = lab("crash", 1).await;
    lab.cycle().await.unwrap();
    let mut committed = lab.source_disk();
    let mut waits = 0;
    let mut through = 0;
    while through < 3 {
        lab.write((waits as u64 % 11) << 20, &format!("before the kill at wait {waits}"));
        let before = lab.newest().await.unwrap();
        let source = lab.source_disk();
        // Every call to a cloud and most to the store wait; the last rounds come through and show the undisturbed end.
        let outcome = lab.cycle_killed_at(waits).await;
        lab.restart().await;
        let newest = lab.newest().await.expect("a committed point never goes");
        let found = lab.disk_of(&newest).await;
        if newest.id == before.id {
            assert!(found == committed, "killed at wait {waits}: the earlier point changed");
        } else {
            assert!(found == source, "killed at wait {waits}: the new point is not what the source held");
        }
        if outcome.is_some() {
            through += 1;
        }
        if waits % 2 == 0 {
            lab.write(12 << 20, &format!("after the restart {waits}"));
        }
        let cycle = lab.cycle().await.unwrap_or_else(|e| panic!("after the kill at wait {waits}: {e}"));
        assert!(!cycle.full, "killed at wait {waits}: everything had to be copied again");
        lab.assert_newest_equals_source().await;
        lab.assert_no_leftovers().await;
        committed = lab.source_disk();
        waits += 1;
    }
    assert!(waits > 12, "the cycle waited only {waits} times: the test proves nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_anywhere_in_the_first_pass() {
    for waits in 0.. {
        let mut lab = lab(&format!("crash-first-{waits}"), 1).await;
        let outcome = lab.cycle_killed_at(waits).await;
        lab.restart().await;
        if let Some(point) = lab.newest().await {
            assert!(lab.disk_of(&point).await == lab.source_disk());
        }
        lab.cycle().await.unwrap_or_else(|e| panic!("after the kill at wait {waits}: {e}"));
        lab.assert_newest_equals_source().await;
        lab.assert_no_leftovers().await;
        if outcome.is_some() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_anywhere_while_a_chain_is_shortened() {
    let mut lab = lab("crash-short", 1).await;
    // The next one would make the chain longer than the target takes.
    let full = lab.job().await.disk_sink().unwrap().max_chain() - 1;
    let mut shortened = 0;
    let mut waits = 0;
    loop {
        // Up to the cycle that must shorten it first.
        while lab.newest().await.is_none_or(|p| p.depth < full) {
            lab.write(1 << 20, "fill");
            lab.cycle().await.unwrap();
        }
        lab.write(2 << 20, &format!("{waits}"));
        let killed = lab.cycle_killed_at(waits).await.is_none();
        lab.restart().await;
        let newest = lab.newest().await.unwrap();
        shortened += u32::from(newest.depth < full);
        lab.disk_of(&newest).await;
        assert!(!lab.cycle().await.unwrap().full);
        lab.assert_newest_equals_source().await;
        lab.assert_no_leftovers().await;
        if !killed {
            break;
        }
        // How often a cycle waits is the scheduler's affair: the early waits one by one, the many later ones in strides.
        waits += 1 + waits / 24;
    }
    assert!(shortened > 0, "undisturbed after {waits} waits, and yet nothing was shortened");
}

#[tokio::test]
async fn the_site_is_lost_in_a_cycle_and_comes_back() {
    let lab = lab("crash-site", 1).await;
    lab.cycle().await.unwrap();
    let committed = lab.source_disk();
    lab.write(1 << 20, "lost with the site");
    let (cycle, ()) = tokio::join!(lab.cycle(), async {
        tokio::time::sleep(std::time::Duration::from_millis(8)).await;
        lab.a.crash();
    });
    let newest = lab.newest().await.unwrap();
    let expected = if cycle.is_ok() { lab.source_disk() } else { committed };
    assert!(lab.disk_of(&newest).await == expected);
    lab.a.restore();
    assert!(lab.cycle().await.unwrap().full, "the record of changes died with the hypervisor");
    lab.assert_newest_equals_source().await;
    lab.assert_no_leftovers().await;
}

//! The disk of the node itself is full: what matters is still on the screen, and everybody is told what to do.

use super::*;
use model::access::{NewToken, TokenPurpose};
use server::{error::Code, services::tokens};
use std::{fs, path::Path, process::Command};

/// A file system of a few MiB; `None` where we may not mount one.
struct Small(tempfile::TempDir);

impl Small {
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(dir.path()).output();
        mounted.is_ok_and(|o| o.status.success()).then_some(Self(dir))
    }

    /// Takes all that is left.
    fn fill(&self) -> std::path::PathBuf {
        let path = self.0.path().join("filler");
        let mut file = fs::File::create(&path).unwrap();
        while std::io::Write::write_all(&mut file, &[7; 4096]).is_ok() {}
        path
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

async fn stored(node: &Node, kind: &str) -> bool {
    server::store::alarms::active(&node.db).await.unwrap().iter().any(|a| a.kind == kind)
}

#[tokio::test]
async fn a_full_disk_hides_no_lost_site_and_says_what_to_do() {
    let Some(small) = Small::new() else { return eprintln!("skipped: mounting a small file system takes root") };
    let path: &Path = small.0.path();
    let s = Site { node: node_in(path).await, dir: tempfile::tempdir().unwrap() };
    let (_, world) = s.add("a", "berlin", &[]).await;
    s.until("little is left", || s.alarms().contains(&"disk_low".into())).await;
    let filler = small.fill();
    world.crash();
    s.until("the lost site", || s.alarms().contains(&"site_down".into())).await;
    assert!(!stored(&s.node, "site_down").await, "the store could write: this tested nothing");
    let begun = Instant::now();
    while !s.alarms().contains(&"store_full".into()) {
        assert!(begun.elapsed() < Duration::from_secs(15), "nobody says that the store is full");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let new = NewToken { name: "t".into(), purpose: TokenPurpose::Api, role: Role::Viewer, expires_in_days: None };
    let refused = tokens::create(&s.node, &admin(), "http://x", new).await.unwrap_err();
    assert_eq!(refused.code, Code::Full, "{refused:?}");
    assert!(refused.message.contains("disk is full") && refused.message.contains("Free space"), "{}", refused.message);
    fs::remove_file(filler).unwrap();
    world.restore();
    s.until("it goes on by itself", || !s.alarms().iter().any(|k| k == "store_full" || k == "site_down")).await;
}

//! Changes as a stream, from Nova's `changes-since`: one small request every second and a half instead of everything.

use super::{
    super::{auth::Service, link::Link, source::Notes},
    Servers, Sizes, observe, read,
};
use crate::clouds::{Change, error::Result};
use jiff::Timestamp;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::mpsc;

const EVERY: Duration = Duration::from_millis(1500);
/// Nova's services have clocks of their own, and an entry may be written a moment after its time.
const OVERLAP: i64 = 10;

/// What was told of a server last: in the overlap it comes again.
type Told = BTreeMap<String, String>;

struct Watch {
    link: Arc<Link>,
    sizes: Sizes,
    notes: Notes,
    since: Timestamp,
    told: Told,
}

pub async fn begin(link: Arc<Link>, sizes: Sizes, notes: Notes) -> Result<mpsc::Receiver<Change>> {
    let mut watch = Watch { link, sizes, notes, since: Timestamp::now(), told: Told::new() };
    // The first look is not told: everything is listed after this call.
    watch.since = watch.clock().await?;
    for native in watch.changed().await? {
        watch.told.insert(id(&native), mark(&native));
    }
    let (tell, changes) = mpsc::channel(256);
    tokio::spawn(watch.run(tell));
    Ok(changes)
}

impl Watch {
    async fn run(mut self, tell: mpsc::Sender<Change>) {
        loop {
            tokio::select! {
                () = tell.closed() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            match self.look().await {
                Ok(changes) => {
                    for change in changes {
                        if tell.send(change).await.is_err() {
                            return;
                        }
                    }
                }
                Err(error) => {
                    let _ = tell.send(Change::Lost(error.message)).await;
                    return;
                }
            }
        }
    }

    async fn look(&mut self) -> Result<Vec<Change>> {
        let mut changes = vec![];
        let mut newest = self.since;
        for native in self.changed().await? {
            let (id, mark) = (id(&native), mark(&native));
            newest = newest.max(updated(&native).unwrap_or(newest));
            if self.told.get(&id) == Some(&mark) {
                continue;
            }
            self.told.insert(id.clone(), mark);
            changes.push(match read(&native)?.is_deleted() {
                true => Change::Gone(id),
                false => {
                    let (server, machine) = observe(&self.link, &self.sizes, native, true).await?;
                    self.notes.see(&self.link, &server);
                    Change::Machine(Box::new(machine))
                }
            });
        }
        self.since = newest;
        Ok(changes)
    }

    async fn changed(&self) -> Result<Vec<Value>> {
        let since = Timestamp::from_second(self.since.as_second() - OVERLAP).unwrap_or(self.since);
        let Servers { servers } = self.link.get(Service::Compute, &format!("/servers/detail?changes-since={since}")).await?;
        Ok(servers)
    }

    /// The cloud's time, not ours: that of the token just given out or an earlier one.
    async fn clock(&self) -> Result<Timestamp> {
        let session = self.link.session().await?;
        Ok(Timestamp::from_millisecond(session.issued_at).unwrap_or(self.since))
    }
}

fn id(native: &Value) -> String {
    native["id"].as_str().unwrap_or_default().to_owned()
}

fn updated(native: &Value) -> Option<Timestamp> {
    native["updated"].as_str()?.parse().ok()
}

/// Changes within one second have the same time.
fn mark(native: &Value) -> String {
    [
        "os-extended-volumes:volumes_attached",
        "updated",
        "status",
        "OS-EXT-STS:task_state",
        "OS-EXT-STS:power_state",
        "locked",
        "locked_reason",
        "metadata",
        "image",
        "name",
    ]
    .map(|key| native[key].to_string())
    .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn two_changes_within_a_second_are_two() {
        let at = |status: &str| json!({ "id": "a", "updated": "2026-01-01T00:00:05Z", "status": status });
        assert_ne!(mark(&at("SHUTOFF")), mark(&at("ACTIVE")));
        assert_eq!(mark(&at("ACTIVE")), mark(&at("ACTIVE")));
        assert_eq!(updated(&at("ACTIVE")).unwrap().to_string(), "2026-01-01T00:00:05Z");
    }
}

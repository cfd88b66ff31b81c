//! Changes as a stream: the server answers a question that is kept open. Nothing is polled.
//!
//! The filter has the few properties that say that something changed; what the machine is now is then asked for, of those
//! machines only, in one request.

use super::{
    super::{
        link::{self, Link, Ref},
        props,
        task::{News, Watch},
    },
    Names, machine,
};
use crate::clouds::{
    Change,
    error::{Error, Kind, Result},
};
use std::sync::Arc;
use tokio::sync::mpsc;

/// `changeVersion` is another one after every change of the configuration. As few as possible: the server compares them.
const PATHS: &[&str] = &[
    "name",
    "config.changeVersion",
    "config.template",
    "guest.guestState",
    "guest.net",
    "runtime.connectionState",
    "runtime.host",
    "runtime.powerState",
];

struct Task {
    link: Arc<Link>,
    names: Names,
    watch: Watch,
    version: String,
}

pub async fn begin(link: Arc<Link>, names: Names) -> Result<mpsc::Receiver<Change>> {
    let (watch, version) = open(&link).await?;
    let (tell, changes) = mpsc::channel(256);
    let task = Task { link, names, watch, version };
    tokio::spawn(task.run(tell));
    Ok(changes)
}

/// The first answer is what there is: everything is listed after this call.
async fn open(link: &Link) -> Result<(Watch, String)> {
    match open_once(link).await {
        Err(error) if link::is_over(&error) => open_once(link).await,
        other => other,
    }
}

async fn open_once(link: &Link) -> Result<(Watch, String)> {
    let session = link.session().await?;
    let begun = async {
        let view = props::machines(link, &session).await?;
        let watch = Watch::begin_in(link, session.clone(), &props::of_view(&view, &[("VirtualMachine", PATHS)])).await?;
        let version = watch.baseline(link).await?;
        Ok((watch, version))
    };
    let outcome = begun.await;
    if outcome.as_ref().is_err_and(link::is_over) {
        link.over(&session).await;
    }
    outcome
}

impl Task {
    async fn run(mut self, tell: mpsc::Sender<Change>) {
        loop {
            let heard = tokio::select! {
                () = tell.closed() => break,
                heard = self.watch.next(&self.link, &self.version) => heard,
            };
            let outcome = match heard {
                Ok(news) => self.told(news).await,
                Err(error) => self.again(error).await,
            };
            let (changes, end) = match outcome {
                Ok(changes) => (changes, false),
                Err(error) => (vec![Change::Lost(error.message)], true),
            };
            for change in changes {
                if tell.send(change).await.is_err() {
                    break;
                }
            }
            if end {
                return;
            }
        }
        self.watch.end(&self.link).await;
    }

    /// The session was ended, by its age or an administrator: a new one, and everything is looked at again.
    async fn again(&mut self, error: Error) -> Result<Vec<Change>> {
        if !link::is_over(&error) {
            return Err(error);
        }
        self.link.over(&self.watch.session).await;
        (self.watch, self.version) = open(&self.link).await?;
        Ok(vec![Change::Relist])
    }

    async fn told(&mut self, news: News) -> Result<Vec<Change>> {
        self.version = news.version;
        let mut changes: Vec<Change> = news.gone.into_iter().map(|one| Change::Gone(one.id)).collect();
        let ids: Vec<Ref> = news.changed.into_iter().map(|one| one.id).collect();
        if !ids.is_empty() {
            changes.extend(self.now(&ids).await?);
        }
        Ok(changes)
    }

    async fn now(&self, ids: &[Ref]) -> Result<Vec<Change>> {
        let wanted: &[props::Wanted<'_>] = &[("VirtualMachine", machine::PATHS)];
        let seen = match props::of(&self.link, ids, wanted).await {
            // One of them is gone already: each by itself.
            Err(error) if error.kind == Kind::NotFound && ids.len() > 1 => {
                let mut seen = vec![];
                for id in ids {
                    match props::one(&self.link, id, machine::PATHS).await {
                        Ok(object) => seen.push(object),
                        Err(error) if error.kind == Kind::NotFound => {}
                        Err(error) => return Err(error),
                    }
                }
                seen
            }
            Err(error) if error.kind == Kind::NotFound => vec![],
            other => other?,
        };
        let mut changes = vec![];
        for object in seen {
            changes.push(match self.names.observed(&self.link, &object).await? {
                Some(machine) => Change::Machine(Box::new(machine)),
                // It became a template, or is being made.
                None => Change::Gone(object.id.id),
            });
        }
        let there: Vec<&str> = changes.iter().map(id_of).collect();
        let gone: Vec<Change> = ids.iter().filter(|id| !there.contains(&id.id.as_str())).map(|id| Change::Gone(id.id.clone())).collect();
        changes.extend(gone);
        Ok(changes)
    }
}

fn id_of(change: &Change) -> &str {
    match change {
        Change::Machine(machine) => &machine.native_id,
        Change::Gone(id) => id,
        _ => "",
    }
}

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
    Names,
    beside::stamp,
    machine,
};
use crate::clouds::{
    Change,
    error::{Error, Kind, Result},
};
use std::{collections::HashMap, sync::Arc};
use tokio::sync::mpsc;

/// `changeVersion` is another one after every change of the configuration. As few as possible: the server compares them.
pub const PATHS: &[&str] = &[
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
    /// Empty: the first answer is yet to come.
    version: String,
    /// The first answer, until the listing beside it is whole.
    first: Option<Vec<(Ref, u64)>>,
}

pub async fn begin(link: Arc<Link>, names: Names) -> Result<mpsc::Receiver<Change>> {
    names.beside.expect();
    let watch = open(&link).await?;
    let (tell, changes) = mpsc::channel(256);
    let task = Task { link, names, watch, version: String::new(), first: None };
    tokio::spawn(task.run(tell));
    Ok(changes)
}

async fn open(link: &Link) -> Result<Watch> {
    match open_once(link).await {
        Err(error) if link::is_over(&error) => open_once(link).await,
        other => other,
    }
}

async fn open_once(link: &Link) -> Result<Watch> {
    let session = link.session().await?;
    let begun = async {
        let view = props::machines(link, &session).await?;
        Watch::begin_in(link, session.clone(), &props::of_view(&view, &[("VirtualMachine", PATHS)])).await
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
                heard = self.next(&tell) => heard,
            };
            let outcome = match heard {
                Ok(changes) => Ok(changes),
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
        self.names.beside.expect();
        (self.watch, self.version) = (open(&self.link).await?, String::new());
        Ok(vec![Change::Relist])
    }

    async fn next(&mut self, tell: &mpsc::Sender<Change>) -> Result<Vec<Change>> {
        if self.version.is_empty() {
            return self.first().await.map(|()| vec![]);
        }
        let news = {
            let asked = self.watch.next(&self.link, &self.version);
            tokio::pin!(asked);
            // One question is open at a time: it goes on while the listing is compared.
            loop {
                tokio::select! {
                    listed = self.names.beside.stamps(), if self.first.is_some() => {
                        let first = self.first.take().unwrap_or_default();
                        for change in compared(&self.link, &self.names, first, listed).await? {
                            // Nobody listens any more: the caller sees that.
                            let _ = tell.send(change).await;
                        }
                    }
                    news = &mut asked => break news?,
                }
            }
        };
        self.told(news).await
    }

    /// The first answer is what there is, when the watch begins to count.
    async fn first(&mut self) -> Result<()> {
        let (mut stamps, mut version) = (vec![], String::new());
        loop {
            let answer = self.watch.next(&self.link, &version).await?;
            stamps.extend(answer.changed.iter().map(|one| (one.id.clone(), stamp(one))));
            version = answer.version;
            if !answer.truncated {
                break;
            }
        }
        (self.first, self.version) = (Some(stamps), version);
        Ok(())
    }

    async fn told(&mut self, news: News) -> Result<Vec<Change>> {
        self.version = news.version;
        let mut changes: Vec<Change> = news.gone.into_iter().map(|one| Change::Gone(one.id)).collect();
        let ids: Vec<Ref> = news.changed.into_iter().map(|one| one.id).collect();
        if !ids.is_empty() {
            changes.extend(now(&self.link, &self.names, &ids).await?);
        }
        Ok(changes)
    }
}

/// What is otherwise than the listing beside the first answer showed has changed meanwhile.
async fn compared(link: &Link, names: &Names, first: Vec<(Ref, u64)>, mut listed: HashMap<String, u64>) -> Result<Vec<Change>> {
    let changed: Vec<Ref> = first.into_iter().filter(|(id, now)| listed.remove(&id.id) != Some(*now)).map(|(id, _)| id).collect();
    let mut changes: Vec<Change> = listed.into_keys().map(Change::Gone).collect();
    if !changed.is_empty() {
        changes.extend(now(link, names, &changed).await?);
    }
    Ok(changes)
}

async fn now(link: &Link, names: &Names, ids: &[Ref]) -> Result<Vec<Change>> {
    let wanted: &[props::Wanted<'_>] = &[("VirtualMachine", machine::PATHS)];
    let seen = match props::of(link, ids, wanted).await {
        // One of them is gone already: each by itself.
        Err(error) if error.kind == Kind::NotFound && ids.len() > 1 => {
            let mut seen = vec![];
            for id in ids {
                match props::one(link, id, machine::PATHS).await {
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
        changes.push(match names.observed(link, &object).await? {
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

fn id_of(change: &Change) -> &str {
    match change {
        Change::Machine(machine) => &machine.native_id,
        Change::Gone(id) => id,
        _ => "",
    }
}

//! Pages of machines: the next ones are asked for and read while the present one is looked at, so that the server and we work
//! at the same time; never more than a few.

use super::{
    super::{link::Link, props},
    Names, machine,
};
use crate::clouds::{
    ListPage,
    error::{Error, Result},
};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::{sync::mpsc, task::JoinError};
use tokio_util::task::AbortOnDropHandle;

/// That wait to be fetched by [`Pages::page`].
const AHEAD: usize = 1;
const WANTED: &[props::Wanted<'static>] = &[("VirtualMachine", machine::PATHS)];

/// The listing that is under way.
#[derive(Default)]
pub struct Pages(Mutex<Option<Listing>>);

struct Listing {
    /// Of its next page.
    cursor: String,
    pages: mpsc::Receiver<Result<Reading>>,
    _asking: AbortOnDropHandle<()>,
}

/// A page that is being read.
type Reading = AbortOnDropHandle<Result<ListPage>>;

impl Pages {
    /// # Errors
    /// By kind.
    pub async fn page(&self, link: &Arc<Link>, names: &Names, cursor: Option<String>) -> Result<ListPage> {
        let under_way = self.replace(None).filter(|listing| Some(&listing.cursor) == cursor.as_ref());
        let mut listing = under_way.unwrap_or_else(|| Listing::begin(link.clone(), names.clone(), cursor));
        let reading = listing.pages.recv().await.ok_or_else(|| Error::transient("The listing ended early."))??;
        let page = reading.await.map_err(lost)??;
        if let Some(next) = &page.next {
            listing.cursor.clone_from(next);
            self.replace(Some(listing));
        }
        Ok(page)
    }

    fn replace(&self, with: Option<Listing>) -> Option<Listing> {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), with)
    }
}

impl Listing {
    fn begin(link: Arc<Link>, names: Names, cursor: Option<String>) -> Self {
        let (tell, pages) = mpsc::channel(AHEAD);
        let asking = tokio::spawn(async move {
            if let Err(error) = ask(&link, &names, cursor, &tell).await {
                tell.send(Err(error)).await.ok();
            }
        });
        Self { cursor: String::new(), pages, _asking: AbortOnDropHandle::new(asking) }
    }
}

/// One answer after the other, each read by a task of its own.
async fn ask(link: &Arc<Link>, names: &Names, cursor: Option<String>, tell: &mpsc::Sender<Result<Reading>>) -> Result<()> {
    let mut answer = match cursor {
        Some(cursor) => props::following(link, &cursor).await?,
        None => {
            names.look(link).await?;
            props::first(link, &props::From::Machines(WANTED)).await?
        }
    };
    loop {
        let (next, known) = (props::token_of(&answer).map(str::to_owned), names.get());
        let token = next.clone();
        let reading = tokio::spawn(async move {
            let mut machines = vec![];
            props::read_page(&answer, &mut |one| machines.extend(known.observed(&one)))?;
            Ok(ListPage { machines, next })
        });
        if tell.send(Ok(AbortOnDropHandle::new(reading))).await.is_err() {
            return Ok(());
        }
        let Some(token) = token else { return Ok(()) };
        answer = props::following(link, &token).await?;
    }
}

fn lost(error: JoinError) -> Error {
    Error::transient(format!("A page could not be read: {error}."))
}

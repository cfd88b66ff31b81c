//! Machines that are being made. Sending large disks takes longer than a call may: it goes on in a task of its own, and a call
//! that comes again after it ran out of time waits for the same task.

use super::{super::link::Link, create};
use crate::clouds::{
    CreateRequest,
    error::{Error, Result},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;

type Outcome = Option<Result<String>>;

#[derive(Clone, Default)]
pub struct Builds(Arc<Mutex<BTreeMap<String, watch::Receiver<Outcome>>>>);

impl Builds {
    /// Answers the machine's id.
    ///
    /// # Errors
    /// The cloud's.
    pub async fn machine(&self, link: &Arc<Link>, request: &CreateRequest) -> Result<String> {
        let mut seen = {
            let mut all = self.lock();
            all.entry(request.token.clone()).or_insert_with(|| begin(link.clone(), request.clone())).clone()
        };
        let outcome = seen.wait_for(Option::is_some).await.map(|seen| seen.clone());
        // Asked again after an error it tries again.
        self.lock().remove(&request.token);
        outcome.ok().flatten().unwrap_or_else(|| Err(Error::transient("Making the machine ended early.")))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, watch::Receiver<Outcome>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begin(link: Arc<Link>, request: CreateRequest) -> watch::Receiver<Outcome> {
    let (tell, seen) = watch::channel(None);
    tokio::spawn(async move {
        tell.send_replace(Some(create::create(&link, &request).await));
    });
    seen
}

//! The page that follows is asked for while the present one is read: the server and we work at the same time.

use super::super::{link::Link, props};
use crate::clouds::error::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::task::AbortOnDropHandle;

/// An answer that is under way, by its token.
#[derive(Default)]
pub struct Ahead(Mutex<Option<(String, AbortOnDropHandle<Result<String>>)>>);

impl Ahead {
    /// The answer that has the page of this token, and the one after it is begun.
    ///
    /// # Errors
    /// By kind.
    pub async fn page(&self, link: &Arc<Link>, from: &props::From<'_>, token: Option<&str>) -> Result<String> {
        let under_way = self.replace(None).filter(|(of, _)| Some(of.as_str()) == token);
        let answer = match (under_way, token) {
            (Some((_, answer)), _) => answer.await.map_err(|lost| Error::transient(format!("A page was lost: {lost}.")))??,
            (None, Some(token)) => props::following(link, token).await?,
            (None, None) => props::first(link, from).await?,
        };
        if let Some(token) = props::token_of(&answer) {
            let (link, of) = (link.clone(), token.to_owned());
            let next = tokio::spawn(async move { props::following(&link, &of).await });
            self.replace(Some((token.to_owned(), AbortOnDropHandle::new(next))));
        }
        Ok(answer)
    }

    fn replace(&self, with: Option<(String, AbortOnDropHandle<Result<String>>)>) -> Option<(String, AbortOnDropHandle<Result<String>>)> {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), with)
    }
}

//! Gives a command to a run. The answer is the run as it is after it: shown at once.

use crate::{api, state::Session};
use leptos::prelude::*;
use model::{
    access::Role,
    run::{RunCommand, RunDetail},
};
use std::future::Future;

use super::words;

pub fn give(detail: RwSignal<RunDetail>, command: RunCommand) -> impl Future<Output = api::Result<()>> {
    let path = format!("/runs/{}/commands", detail.with_untracked(|d| d.run.id.clone()));
    async move {
        let after = api::post::<_, RunDetail>(&path, &command).await?;
        detail.try_set(after);
        Ok(())
    }
}

/// Why the whole run cannot be commanded so now: the reader's role, or what the node says.
pub fn refusal(detail: RwSignal<RunDetail>, name: &'static str) -> Signal<Option<String>> {
    let session = Session::get();
    Signal::derive(move || session.refusal(Role::Operator).or_else(|| detail.with(|d| words::refusal(d, name))))
}

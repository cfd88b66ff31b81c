//! One run, from its first second to its end, live.

use super::{
    follow::{self, Effect},
    header::RunHeader,
    log::RunLog,
    outcome::RunOutcome,
    timeline::Timeline,
};
use crate::{
    components::load::{Fresh, load},
    live,
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use model::{live::Topic, run::RunDetail};

#[component]
pub fn RunPage() -> impl IntoView {
    let params = use_params_map();
    let path = move || format!("/runs/{}", params.with(|p| p.get("id").unwrap_or_default()));
    load(path, &[], |fresh: Fresh<RunDetail>| {
        fresh.leave_out(follow::is_older);
        live::on(&[Topic::Run, Topic::Step, Topic::RunEvent], None, move |event| {
            let effect = fresh.value.try_update(|detail| follow::apply(detail, event));
            if effect == Some(Effect::ReadAgain) {
                fresh.reload();
            }
        });
        let detail = fresh.value;
        view! {
            <RunHeader detail/>
            <RunOutcome detail/>
            <Timeline detail/>
            <RunLog detail/>
        }
    })
}

//! The blast radius in words: does the site answer, who comes up, who is lost, what moves, what is wrong.

use super::{
    loss::{self, Choices},
    machines::Machines,
    targets::{Targets, Wanted},
};
use crate::{
    components::status::{Status, Tone},
    dialogs::{names, problems::Problems},
    format,
    state::Clock,
};
use leptos::prelude::*;
use model::run::BlastRadius;

/// So many that nothing protects are named; a large site has thousands.
const LOST: usize = 40;

type Shown = RwSignal<Option<BlastRadius>>;

fn of<T: Default>(radius: Shown, read: impl Fn(&BlastRadius) -> T) -> T {
    radius.with(|r| r.as_ref().map(read).unwrap_or_default())
}

#[component]
pub fn Radius(radius: Shown, wanted: RwSignal<Wanted>, choices: Choices) -> impl IntoView {
    view! {
        <Answers radius/>
        <Targets radius wanted choices/>
        <Figures radius choices/>
        <Machines radius choices/>
        <Lost radius/>
        {move || { let problems = of(radius, |r| r.problems.clone()); view! { <Problems problems/> } }}
    }
}

#[component]
fn Answers(radius: Shown) -> impl IntoView {
    let answers = Memo::new(move |_| of(radius, |r| r.site_answers));
    let name = move || of(radius, |r| r.site.clone());
    view! {
        <div class="note" role="status">
            {move || if answers.get() {
                view! {
                    <Status tone=Tone::Warn label="The site still answers"/>
                    <p>{name()}" is not lost. Its machines are stopped first, and that is read back before anything starts elsewhere."</p>
                }.into_any()
            } else {
                view! {
                    <Status tone=Tone::Bad label="The site does not answer"/>
                    <p>"No cloud of "{name()}" answers: whether its machines still run cannot be seen from here."</p>
                }.into_any()
            }}
        </div>
    }
}

#[component]
fn Figures(radius: Shown, choices: Choices) -> impl IntoView {
    let now = Clock::get();
    let count = move || of(radius, |r| r.machines.len());
    let worst = move || {
        let most = radius.with(|r| r.as_ref().and_then(|r| choices.with(|c| loss::worst(r, c, now.get()))));
        most.map_or_else(|| "unknown".into(), format::age)
    };
    let rto =
        move || radius.with(|r| r.as_ref().and_then(|r| r.forecast_rto_ms)).map_or_else(|| "no forecast yet".into(), format::duration);
    let addresses = move || of(radius, |r| if r.addresses.is_empty() { "none".into() } else { r.addresses.join(", ") });
    view! {
        <dl class="figures">
            <div><dt>"Come up elsewhere"</dt><dd><strong>{count}</strong></dd></div>
            <div><dt>"Lose at most"</dt><dd><strong class="num">{worst}</strong></dd></div>
            <div><dt>"Recovery time, forecast"</dt><dd><strong class="num">{rto}</strong></dd></div>
            <div><dt>"Addresses that move"</dt><dd>{addresses}</dd></div>
        </dl>
    }
}

#[component]
fn Lost(radius: Shown) -> impl IntoView {
    let lost = Memo::new(move |_| of(radius, |r| r.unprotected.clone()));
    view! {
        {move || { let all = lost.get(); (!all.is_empty()).then(|| {
            let (text, rest) = names::few(&all, LOST);
            view! {
                <div class="note bad">
                    <Status tone=Tone::Bad label=format!("{} not covered by any plan: they will be lost", format::count(all.len() as u64))/>
                    <p>{text}</p>
                    {names::all(rest)}
                </div>
            }
        }) }}
    }
}

//! The typed confirmation and the button.

use crate::{
    api,
    components::{button_action::ButtonAction, field::TextField},
    state::Session,
};
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use model::{
    access::Role,
    recovery::{RecoverRequest, Recovery},
    run::Run,
};

#[component]
pub fn Confirm(path: String, found: RwSignal<Option<Recovery>>, exactly: RwSignal<bool>, open: RwSignal<bool>) -> impl IntoView {
    let (name, statement) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let wanted = Memo::new(move |_| found.with(|r| r.as_ref().map(|r| (r.confirm.clone(), r.statement.clone())).unwrap_or_default()));
    let session = Session::get();
    let refused = Signal::derive(move || {
        session
            .refusal(Role::Operator)
            .or_else(|| found.with(|r| r.as_ref().and_then(blocked)))
            .or_else(|| missing(&wanted.get(), &name.get(), &statement.get()))
    });
    let navigate = use_navigate();
    let press = move || {
        let body = found
            .with_untracked(|r| r.as_ref().map(|r| request(r, &name.get_untracked(), &statement.get_untracked(), exactly.get_untracked())));
        let (path, navigate) = (path.clone(), navigate.clone());
        async move {
            let Some(body) = body else { return Ok(()) };
            let run = api::post::<_, Run>(&path, &body).await?;
            open.try_set(false);
            navigate(&format!("/runs/{}", run.id), Default::default());
            Ok(())
        }
    };
    view! {
        <footer class="dialog-foot confirm">
            <Show when=move || wanted.with(|w| w.1.is_some())>
                <div class="note bad">
                    <p>
                        "It could not be proved that it is off. If it still runs while its copy starts, both write and the data part for ever. "
                        "Make sure by other means, then type this; it is recorded with your name:"
                    </p>
                    <blockquote>{move || wanted.get().1}</blockquote>
                </div>
                <TextField label="The statement, word for word" name="recover-statement" value=statement/>
            </Show>
            {move || view! { <TextField label=format!("Type “{}” to confirm", wanted.get().0) name="recover-confirm" value=name/> }}
            <div class="row">
                <button type="button" class="button" on:click=move |_| open.set(false)>"Leave it"</button>
                <ButtonAction label="Recover elsewhere" look="danger" refused=refused run=press/>
            </div>
        </footer>
    }
}

fn request(r: &Recovery, name: &str, statement: &str, exactly: bool) -> RecoverRequest {
    RecoverRequest {
        confirm: name.trim().into(),
        statement: r.statement.as_ref().map(|_| statement.trim().into()),
        // As it is shown.
        target_cloud_id: Some(r.point.cloud_id.clone()),
        point_id: (exactly && r.source_answers).then(|| r.point.id.clone()),
    }
}

/// Why it cannot be pressed, whatever is typed. A lost machine has nothing left to lose: there it is tried.
fn blocked(r: &Recovery) -> Option<String> {
    if r.problems.iter().any(model::Problem::blocks) {
        return Some("The problem above stops it.".into());
    }
    let able = r.rows.iter().any(|p| p.verdict.is_possible());
    (!able && r.source_answers).then(|| "No cloud can take it now; the list above says why.".into())
}

fn missing((confirm, statement): &(String, Option<String>), name: &str, said: &str) -> Option<String> {
    if statement.as_ref().is_some_and(|s| said.trim() != s) {
        return Some("Type the statement first, word for word.".into());
    }
    (name.trim() != confirm).then(|| format!("Type “{confirm}” first."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_is_asked_for_before_the_name() {
        let lost = ("db1".to_owned(), Some("I have made sure".to_owned()));
        assert!(missing(&lost, "db1", "").is_some_and(|why| why.contains("statement")));
        assert_eq!(missing(&lost, " db1 ", " I have made sure "), None);
        assert!(missing(&("db1".into(), None), "db2", "").is_some_and(|why| why.contains("db1")));
    }
}

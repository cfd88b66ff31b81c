//! Tokens: for programs, and for the wallboard.

use super::new_token::NewTokenDialog;
use crate::{
    api,
    components::{
        age::Age,
        button_action::ButtonAction,
        confirm_dialog::ConfirmDialog,
        data_table::{Column, DataTable},
        empty_state::EmptyState,
        load::{Fresh, load},
        status::{Status, Tone},
    },
    state::{Clock, Session},
};
use leptos::prelude::*;
use model::{
    Millis, Page,
    access::{Role, Token, TokenPurpose},
    live::Topic,
};

const COLUMNS: &[Column] = &[
    Column("Name", ""),
    Column("For", ""),
    Column("State", ""),
    Column("Last used", "num"),
    Column("Made by", "wide-only"),
    Column("", ""),
];

#[component]
pub fn Tokens() -> impl IntoView {
    view! { {load(|| "/tokens?limit=500".to_owned(), &[Topic::Audit], draw)} }
}

fn draw(fresh: Fresh<Page<Token>>) -> impl IntoView {
    let adding = RwSignal::new(false);
    let session = Session::get();
    let refused = Signal::derive(move || session.refusal(Role::Administrator));
    let reload = Callback::new(move |()| fresh.reload());
    let tokens = move || fresh.value.with(|p| p.items.clone());
    view! {
        <section class="stack" aria-labelledby="tokens">
            <div class="card-head">
                <h2 id="tokens">"Tokens and wallboards"</h2>
                <ButtonAction label="Make a token …" refused=refused run=move || async move { adding.set(true); Ok(()) }/>
            </div>
            <Show when=move || fresh.value.with(|p| !p.items.is_empty()) fallback=none>
                <DataTable caption="Tokens" columns=COLUMNS>
                    <For each=tokens key=|t| (t.id.clone(), t.revoked_at, t.last_used_at) let:token>{line(token, reload, refused)}</For>
                </DataTable>
            </Show>
            <NewTokenDialog open=adding made=reload/>
        </section>
    }
}

fn none() -> impl IntoView {
    view! { <EmptyState title="No token yet"><p>"A wallboard token opens the read-only screen of a control room, and nothing else."</p></EmptyState> }
}

fn state(token: &Token, now: Millis) -> (Tone, &'static str) {
    if token.revoked_at.is_some() {
        (Tone::Idle, "Revoked")
    } else if token.expires_at.is_some_and(|t| t <= now) {
        (Tone::Idle, "Expired")
    } else {
        (Tone::Good, "Valid")
    }
}

fn line(token: Token, reload: Callback<()>, refused: Signal<Option<String>>) -> impl IntoView {
    let (tone, word) = state(&token, Clock::get().get_untracked());
    let purpose = match token.purpose {
        TokenPurpose::Api => format!("API, {}", token.role.as_str()),
        TokenPurpose::Wallboard => "Wallboard".to_owned(),
    };
    let path = format!("/tokens/{}", token.id);
    let revoke = move || {
        let path = path.clone();
        async move {
            api::delete::<Token>(&path).await?;
            reload.run(());
            Ok(())
        }
    };
    let asking = RwSignal::new(false);
    let title = format!("Revoke {}?", token.name);
    let what = match token.purpose {
        TokenPurpose::Api => "Programs that use it are refused from now on. It cannot be taken back.",
        TokenPurpose::Wallboard => "The screens that show it go dark. It cannot be taken back: a new link must be opened on them.",
    };
    let button = token.revoked_at.is_none().then(|| {
        view! {
            <ButtonAction label="Revoke …" look="small" refused=refused run=move || async move { asking.set(true); Ok(()) }/>
            <ConfirmDialog open=asking title=title verb="Revoke it" run=revoke><p>{what}</p></ConfirmDialog>
        }
    });
    view! {
        <tr>
            <th scope="row">{token.name}</th>
            <td>{purpose}</td>
            <td><Status tone=tone label=word/></td>
            <td class="num"><Age at=token.last_used_at/></td>
            <td class="wide-only">{token.created_by}</td>
            <td class="tight">{button}</td>
        </tr>
    }
}

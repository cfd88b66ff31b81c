//! Make a token. Its secret is shown once; a wallboard's also as a link and as a code for a camera.

use crate::{
    api,
    components::{
        button_action::ButtonAction,
        copy_box::CopyBox,
        dialog::Dialog,
        error_note::ErrorNote,
        field::{SelectField, TextField, error_of},
        number,
    },
};
use leptos::prelude::*;
use model::{
    access::{CreatedToken, NewToken, Role, TokenPurpose},
    error::{ApiError, FieldError},
    limits::TOKEN_DAYS,
};

#[component]
pub fn NewTokenDialog(open: RwSignal<bool>, made: Callback<()>) -> impl IntoView {
    let result = RwSignal::new(None::<CreatedToken>);
    Effect::new(move |_| {
        if !open.get() {
            result.set(None);
        }
    });
    view! {
        <Dialog open=open title="Make a token">
            <Show when=move || result.with(Option::is_some) fallback=move || view! { <TokenForm result=result made=made/> }>
                {move || result.get().map(shown_once)}
            </Show>
        </Dialog>
    }
}

#[component]
fn TokenForm(result: RwSignal<Option<CreatedToken>>, made: Callback<()>) -> impl IntoView {
    let (name, purpose, days) = (RwSignal::new(String::new()), RwSignal::new("wallboard".to_owned()), RwSignal::new(String::new()));
    let (role, error) = (RwSignal::new("viewer".to_owned()), RwSignal::new(None::<ApiError>));
    let purposes: Vec<(String, String)> = vec![("wallboard".into(), "A wallboard".into()), ("api".into(), "A program (API)".into())];
    let roles: Vec<(String, String)> = Role::ALL.map(|r| (r.as_str().to_owned(), r.as_str().to_owned())).into();
    let wallboard = move || purpose.get() == "wallboard";
    let make = move || async move {
        let purpose = if purpose.get_untracked() == "wallboard" { TokenPurpose::Wallboard } else { TokenPurpose::Api };
        let role = Role::parse(&role.get_untracked()).filter(|_| purpose == TokenPurpose::Api).unwrap_or(Role::Viewer);
        // What is not understood must never come to mean "for ever".
        let expires_in_days = match number::optional(&days.get_untracked(), &TOKEN_DAYS, "days") {
            Ok(days) => days,
            Err(message) => {
                error.set(Some(wrong("expires_in_days", message)));
                return Ok(());
            }
        };
        let body = NewToken { name: name.get_untracked().trim().to_owned(), purpose, role, expires_in_days };
        match api::post::<_, CreatedToken>("/tokens", &body).await {
            Ok(token) => {
                result.set(Some(token));
                made.run(());
            }
            Err(refusal) => error.set(Some(refusal)),
        }
        Ok(())
    };
    view! {
        <form on:submit=move |e| e.prevent_default()>
            <div class="dialog-body">
                <SelectField label="For" name="token-purpose" value=purpose options=purposes/>
                <TextField label="Name" name="token-name" value=name required=true help="Where it is used, so that it can be revoked later." error=error_of(error, "name")/>
                <Show when=move || !wallboard()>
                    <SelectField label="Role" name="token-role" value=role options=roles.clone() error=error_of(error, "role")/>
                </Show>
                <TextField label="Valid for days" name="token-days" value=days help="Empty: until it is revoked." error=error_of(error, "expires_in_days")/>
                {move || error.get().map(|e| view! { <ErrorNote error=e/> })}
            </div>
            <footer class="dialog-foot"><ButtonAction label="Make it" look="primary" run=make/></footer>
        </form>
    }
}

fn wrong(field: &str, message: String) -> ApiError {
    let fields = vec![FieldError { field: field.into(), message, span: None }];
    ApiError { code: "invalid".into(), message: "One field needs another look.".into(), fields, ..ApiError::default() }
}

fn shown_once(token: CreatedToken) -> impl IntoView {
    let text = token.link.unwrap_or(token.secret);
    view! {
        <div class="dialog-body">
            <p>"It is shown only now."</p>
            <CopyBox text/>
            {token.link_note.map(|note| view! { <p class="banner" data-tone="warn"><span>{note}</span></p> })}
            {token.qr_svg.map(|svg| view! { <figure class="qr" role="img" aria-label="The link as a QR code" inner_html=svg></figure> })}
        </div>
    }
}

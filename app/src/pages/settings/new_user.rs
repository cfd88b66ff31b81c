//! Add a user; without a password of one's choice a one-time one is made.

use crate::{
    api,
    components::{
        button_action::ButtonAction,
        dialog::Dialog,
        error_note::ErrorNote,
        field::{SelectField, TextField, error_of},
    },
};
use leptos::prelude::*;
use model::{
    access::{CreatedUser, NewUser, Role},
    error::ApiError,
};

#[component]
pub fn NewUserDialog(open: RwSignal<bool>, secret: RwSignal<Option<CreatedUser>>, added: Callback<()>) -> impl IntoView {
    let (name, role, error) =
        (RwSignal::new(String::new()), RwSignal::new(Role::Viewer.as_str().to_owned()), RwSignal::new(None::<ApiError>));
    let roles: Vec<(String, String)> = vec![
        ("viewer".into(), "Viewer: sees everything".into()),
        ("operator".into(), "Operator: also power, move, failover".into()),
        ("administrator".into(), "Administrator: also clouds, plans, users".into()),
    ];
    let add = move || async move {
        let role = Role::parse(&role.get_untracked()).unwrap_or(Role::Viewer);
        let body = NewUser { name: name.get_untracked().trim().to_owned(), role, password: None };
        match api::post::<_, CreatedUser>("/users", &body).await {
            Ok(created) => {
                secret.set(Some(created));
                name.set(String::new());
                error.set(None);
                open.set(false);
                added.run(());
            }
            Err(refusal) => error.set(Some(refusal)),
        }
        Ok(())
    };
    view! {
        <Dialog open=open title="Add user">
            <form on:submit=move |e| e.prevent_default()>
                <div class="dialog-body">
                    <TextField label="Name" name="user-name" value=name required=true error=error_of(error, "name")/>
                    <SelectField label="Role" name="user-role" value=role options=roles.clone() error=error_of(error, "role")/>
                    {move || error.get().map(|e| view! { <ErrorNote error=e/> })}
                </div>
                <footer class="dialog-foot"><ButtonAction label="Add user" look="primary" run=add/></footer>
            </form>
        </Dialog>
    }
}

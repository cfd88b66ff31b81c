//! Who may sign in, and as what.

use super::new_user::NewUserDialog;
use crate::{
    api,
    components::{
        age::Age,
        button_action::ButtonAction,
        confirm_dialog::ConfirmDialog,
        copy_box::CopyBox,
        data_table::{Column, DataTable},
        dialog::Dialog,
        load::{Fresh, load},
        status::{Status, Tone},
        toast::Toasts,
    },
    state::Session,
};
use leptos::prelude::*;
use model::{
    Page,
    access::{CreatedUser, Role, User},
    live::Topic,
};

const COLUMNS: &[Column] = &[Column("Name", ""), Column("Role", ""), Column("State", ""), Column("Last sign-in", "num"), Column("", "")];

#[component]
pub fn Users() -> impl IntoView {
    view! { {load(|| "/users?limit=500".to_owned(), &[Topic::Audit], draw)} }
}

fn draw(fresh: Fresh<Page<User>>) -> impl IntoView {
    let (adding, secret) = (RwSignal::new(false), RwSignal::new(None::<CreatedUser>));
    let session = Session::get();
    let refused = Signal::derive(move || session.refusal(Role::Administrator));
    let reload = Callback::new(move |()| fresh.reload());
    let users = move || fresh.value.with(|p| p.items.clone());
    view! {
        <section class="stack" aria-labelledby="users">
            <div class="card-head">
                <h2 id="users">"Users"</h2>
                <ButtonAction label="Add user …" refused=refused run=move || async move { adding.set(true); Ok(()) }/>
            </div>
            // One that did not change is not drawn anew: a question about it may be open.
            <DataTable caption="Users" columns=COLUMNS>
                <For each=users key=|u| (u.id.clone(), u.role, u.disabled, u.last_sign_in_at) let:user>{line(user, reload, secret, refused)}</For>
            </DataTable>
            <NewUserDialog open=adding secret=secret added=reload/>
            {once(secret)}
        </section>
    }
}

/// The password is shown once; it is nowhere kept in clear.
fn once(secret: RwSignal<Option<CreatedUser>>) -> impl IntoView {
    let open = RwSignal::new(false);
    Effect::new(move |_| open.set(secret.with(|s| s.as_ref().is_some_and(|c| c.one_time_password.is_some()))));
    let text = move |pick: fn(CreatedUser) -> Option<String>| secret.get().and_then(pick).unwrap_or_default();
    view! {
        <Dialog open=open title="One-time password">
            <div class="dialog-body">
                <p>"For " <b>{move || text(|c| Some(c.user.name))}</b> ". It is shown only now, and must be changed at the first sign-in."</p>
                {move || view! { <CopyBox text=text(|c| c.one_time_password)/> }}
            </div>
        </Dialog>
    }
}

fn line(user: User, reload: Callback<()>, secret: RwSignal<Option<CreatedUser>>, refused: Signal<Option<String>>) -> impl IntoView {
    let (tone, word) = if user.disabled { (Tone::Idle, "Disabled") } else { (Tone::Good, "Active") };
    let (reset, toggle) = (user.clone(), user.clone());
    let (asking, disabling) = (RwSignal::new(false), RwSignal::new(false));
    let new_password = move || {
        let path = format!("/users/{}/password", reset.id);
        async move {
            secret.set(Some(api::post::<_, CreatedUser>(&path, &()).await?));
            Ok(())
        }
    };
    let switch = move || {
        let user = User { disabled: !toggle.disabled, ..toggle.clone() };
        async move { change(user, reload).await }
    };
    view! {
        <tr>
            <th scope="row">{user.name.clone()}</th>
            <td>{role(user.clone(), reload)}</td>
            <td><Status tone=tone label=word/></td>
            <td class="num"><Age at=user.last_sign_in_at/></td>
            <td class="tight">
                <span class="line-up">
                    <ButtonAction label="New password …" look="small" refused=refused run=move || async move { asking.set(true); Ok(()) }/>
                    {if user.disabled {
                        view! { <ButtonAction label="Enable" look="small" refused=refused run=switch.clone()/> }.into_any()
                    } else {
                        view! { <ButtonAction label="Disable …" look="small" refused=refused run=move || async move { disabling.set(true); Ok(()) }/> }.into_any()
                    }}
                </span>
                <ConfirmDialog open=asking title=format!("A new password for {}?", user.name) verb="Make one" run=new_password>
                    <p>"The present password stops working, and all sessions of this user end."</p>
                </ConfirmDialog>
                <ConfirmDialog open=disabling title=format!("Disable {}?", user.name) verb="Disable" run=switch>
                    <p>"All sessions of this user end at once, and nobody can sign in with this name until it is enabled again."</p>
                </ConfirmDialog>
            </td>
        </tr>
    }
}

fn role(user: User, reload: Callback<()>) -> impl IntoView {
    let (toasts, session) = (Toasts::get(), Session::get());
    let now = user.role;
    let label = format!("Role of {}", user.name);
    let choose = move |value: String| {
        let Some(role) = Role::parse(&value) else { return };
        let user = User { role, ..user.clone() };
        leptos::task::spawn_local(async move {
            if let Err(error) = change(user, reload).await {
                toasts.error(&error);
                reload.run(());
            }
        });
    };
    let options = Role::ALL.map(|r| view! { <option value=r.as_str() selected=r == now>{r.as_str()}</option> });
    view! {
        <select class="input" aria-label=label disabled=move || !session.may(Role::Administrator) on:change:target=move |e| choose(e.target().value())>
            {options.into_iter().collect_view()}
        </select>
    }
}

async fn change(user: User, reload: Callback<()>) -> api::Result<()> {
    let body = serde_json::json!({ "role": user.role, "disabled": user.disabled });
    api::put::<_, User>(&format!("/users/{}", user.id), &body).await?;
    reload.run(());
    Ok(())
}

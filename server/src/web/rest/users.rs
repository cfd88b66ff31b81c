//! Users.

use crate::{
    error::Result,
    services::{caller::Caller, users},
    state::Node,
    web::{AppState, Json, Limits, NoBody, Path, Query},
};
use axum::{extract::State, http::StatusCode};
use model::{
    Page,
    access::{ChangeUser, CreatedUser, NewUser, User},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(change)).routes(routes!(reset_password))
}

/// All users, by name.
#[utoipa::path(get, path = "/users", tag = "users", params(Limits), responses((status = 200, body = Page<User>)))]
async fn list(State(node): State<Node>, caller: Caller, Query(q): Query<Limits>) -> Result<Json<Page<User>>> {
    users::list(&node, &caller, q.cursor.as_deref(), q.limit()?).await.map(Json)
}

/// Add a user. Without a password one is made and shown once; either must be replaced at the first sign-in.
#[utoipa::path(post, path = "/users", tag = "users", request_body = NewUser, responses((status = 201, body = CreatedUser)))]
async fn create(State(node): State<Node>, caller: Caller, Json(new): Json<NewUser>) -> Result<(StatusCode, Json<CreatedUser>)> {
    Ok((StatusCode::CREATED, Json(users::create(&node, &caller, new).await?)))
}

/// Change role or disable. A disabled user is signed out at once.
#[utoipa::path(put, path = "/users/{id}", tag = "users", params(("id" = String, Path)), request_body = ChangeUser, responses((status = 200, body = User)))]
async fn change(State(node): State<Node>, caller: Caller, Path(id): Path<String>, Json(new): Json<ChangeUser>) -> Result<Json<User>> {
    users::change(&node, &caller, &id, new).await.map(Json)
}

/// A new one-time password; the user is signed out.
#[utoipa::path(post, path = "/users/{id}/password", tag = "users", params(("id" = String, Path)), responses((status = 200, body = CreatedUser)))]
async fn reset_password(State(node): State<Node>, caller: Caller, Path(id): Path<String>, _: NoBody) -> Result<Json<CreatedUser>> {
    users::reset_password(&node, &caller, &id).await.map(Json)
}

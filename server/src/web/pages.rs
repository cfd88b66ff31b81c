//! The screens, rendered here first.
//!
//! A page reads through the same API that scripts use: [`ServerApi`] hands each call to the node's own router in
//! process, as the person who asked for the page. Nothing of a page is seen without being signed in.

use super::{AppState, CallerAddress, auth, headers};
use crate::{error::Result, services::sessions::Identity};
use app::{
    api::{Answer, Call, ServerApi},
    state::AnySimulated,
};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
};
use futures::FutureExt;
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list};
use std::sync::Arc;
use tower::ServiceExt;

/// An answer to one of our own pages; far above any list that a page asks for.
const LARGEST_ANSWER: usize = 32 << 20;

pub fn router(state: &AppState, api: Router) -> Router<AppState> {
    let routes = generate_route_list(app::App);
    let node = state.node.clone();
    let context = move || {
        provide_context(AnySimulated(crate::services::overview::any_simulated(&node)));
        provide(&api);
    };
    let options = state.leptos.clone();
    let shell = move || app::shell(options.clone());
    Router::new()
        .leptos_routes_with_context(state, routes, context.clone(), shell.clone())
        .fallback(leptos_axum::render_app_async_with_context(context, shell))
        .layer(middleware::from_fn_with_state(state.clone(), signed_in))
}

/// Sends whoever is not signed in to the sign-in page, and back here afterwards.
async fn signed_in(State(state): State<AppState>, mut request: Request, next: Next) -> Result<Response> {
    let address = CallerAddress::of(&state.web, request.headers(), request.extensions());
    let identity = auth::recognise(&state, request.headers(), address.text()).await?;
    if identity.is_none() && request.uri().path() != "/sign-in" {
        return Ok(Redirect::to(&sign_in_address(&request)).into_response());
    }
    if let Some(identity) = identity {
        request.extensions_mut().insert(identity);
    }
    let mut response = next.run(request).await;
    // The page holds what this person may see: no shared cache, and not shown again after signing out.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn sign_in_address(request: &Request) -> String {
    let here = request.uri().path_and_query().map_or("/", |p| p.as_str());
    if request.method() != Method::GET || here == "/" {
        return "/sign-in".into();
    }
    let next: String = url::form_urlencoded::byte_serialize(here.as_bytes()).collect();
    format!("/sign-in?next={next}")
}

/// Runs inside leptos for each page: the API as this caller, and the policy with this page's nonce.
fn provide(api: &Router) {
    let identity = use_context::<axum::http::request::Parts>().and_then(|p| p.extensions.get::<Identity>().cloned());
    let api = api.clone();
    provide_context(ServerApi(Arc::new(move |call| answer(api.clone(), identity.clone(), call).boxed())));
    if let (Some(options), Some(nonce)) = (use_context::<ResponseOptions>(), leptos::nonce::use_nonce())
        && let Ok(policy) = HeaderValue::from_str(&headers::policy(&nonce))
    {
        options.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

async fn answer(api: Router, identity: Option<Identity>, call: Call) -> Answer {
    let unreadable = |e: &dyn std::fmt::Display| Answer { status: 500, body: format!("{e}") };
    let request = Request::builder().method(call.method).uri(call.path).header(header::CONTENT_TYPE, "application/json");
    let mut request = match request.body(Body::from(call.body.unwrap_or_default())) {
        Ok(request) => request,
        Err(error) => return unreadable(&error),
    };
    if let Some(identity) = identity {
        request.extensions_mut().insert(identity);
    }
    let response = match api.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status().as_u16();
    match axum::body::to_bytes(response.into_body(), LARGEST_ANSWER).await {
        Ok(bytes) => Answer { status, body: String::from_utf8_lossy(&bytes).into_owned() },
        Err(error) => unreadable(&error),
    }
}

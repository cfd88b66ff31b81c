//! The API's own description: made from the routes, completed with what holds for all of them.
//!
//! It is also what the node itself goes by: a parameter that it does not name is refused ([`super::parameters`]), and
//! what it marks as starting something takes an idempotency key ([`super::idempotency`]).

use super::{AppState, rest, sse};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, Deprecated, ObjectBuilder, Ref, RefOr, Required, ResponseBuilder, Type,
        path::{HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

/// What begins work that goes on at a cloud: done twice it would be two moves, or a machine switched twice.
pub const STARTS: [&str; 5] = [
    "/api/v1/moves",
    "/api/v1/sites/{site}/failover",
    "/api/v1/machines/{id}/recover",
    "/api/v1/machines/{id}/power",
    "/api/v1/runs/{id}/commands",
];

/// One line for each noun.
fn nouns() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(rest::session::router())
        .merge(rest::users::router())
        .merge(rest::tokens::router())
        .merge(rest::audit::router())
        .merge(rest::alarms::router())
        .merge(rest::clouds::router())
        .merge(rest::drivers::router())
        .merge(rest::groups::router())
        .merge(rest::machines::router())
        .merge(rest::overview::router())
        .merge(rest::recover::router())
        .merge(rest::runs::router())
        .merge(rest::moves::router())
        .merge(rest::failover::router())
        .merge(rest::placement::router())
        .merge(rest::plans::router())
        .merge(rest::prices::router())
        .merge(rest::points::router())
        .merge(sse::router())
}

/// The routes, and the document that describes them.
pub fn routes() -> (axum::Router<AppState>, utoipa::openapi::OpenApi) {
    let (routes, mut document) = OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", nouns()).split_for_parts();
    for (path, item) in &mut document.paths.paths {
        each(item, |method, operation| complete(path, method, operation));
    }
    (routes, document)
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Crossfade", description = "Every screen of Crossfade is a client of this API and of nothing else."),
    components(schemas(model::error::ApiError)),
    modifiers(&Security),
    security(("session" = []), ("token" = []))
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("crossfade_session")));
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("session", cookie);
        components.add_security_scheme("token", bearer);
    }
}

/// Every operation of an address.
pub fn each(item: &mut PathItem, mut visit: impl FnMut(HttpMethod, &mut Operation)) {
    let all = [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Put, &mut item.put),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Delete, &mut item.delete),
    ];
    for (method, operation) in all {
        if let Some(operation) = operation {
            visit(method, operation);
        }
    }
}

fn complete(path: &str, method: HttpMethod, operation: &mut Operation) {
    let error = Content::new(Some(RefOr::Ref(Ref::from_schema_name("ApiError"))));
    let refused =
        ResponseBuilder::new().description("It was refused or failed: which, why, and what to do.").content("application/json", error);
    operation.responses.responses.insert("default".into(), RefOr::T(refused.build()));
    let parameters = operation.parameters.get_or_insert_default();
    let mut take = |parameter: Parameter| parameters.push(RefOr::T(parameter));
    if method != HttpMethod::Get {
        take(header("X-CSRF-Token", false, "`csrf` of `GET /me`: for every change that is made with a session cookie; not with a token."));
    }
    if method == HttpMethod::Post && !super::idempotency::NOT_KEPT.contains(&path) {
        let text = "A value of your own, a UUID for example, new for each new request: sent again with the same body, the work is done once and the answer is the same.";
        take(header("Idempotency-Key", STARTS.contains(&path), text));
    }
    if path.ends_with("/events") && operation.tags.as_ref().is_some_and(|t| t.iter().any(|t| t == "live")) {
        take(header("Last-Event-ID", false, "The id of the last event that was received: goes on after it, or says `reset`."));
    }
    if matches!(path, "/api/v1/groups/{id}" | "/api/v1/plans/{id}") && method == HttpMethod::Put {
        take(header(
            "If-Match",
            false,
            "`version` of what was read: refused with 409 when somebody changed it since. Left out: changed in any case.",
        ));
    }
}

fn header(name: &str, required: bool, about: &str) -> Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(if required { Required::True } else { Required::False })
        .deprecated(None::<Deprecated>)
        .description(Some(about))
        .schema(Some(text))
        .build()
}

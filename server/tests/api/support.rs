//! A node to ask, and short words for asking.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, HeaderValue, Request, StatusCode},
};
use serde_json::{Value, json};
use server::{boot, config::Settings, services::first_start, state::Node, web};
use std::{net::SocketAddr, path::Path};
use tempfile::TempDir;
use tower::ServiceExt;

pub struct Api {
    pub router: Router,
    pub node: Node,
    /// An administrator's API token.
    pub admin: String,
    pub dir: TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{} is not JSON ({e}): {}", self.status, self.text))
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
    /// `name=value` of the cookie that was set.
    pub fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap().to_owned()
    }
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }
    #[track_caller]
    pub fn expect_field(self, status: u16, field: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.json()["fields"][0]["field"], field, "{}", answer.text);
        answer
    }
}

/// How somebody shows who they are.
#[derive(Clone, Default)]
pub struct Who(pub Vec<(&'static str, String)>);

impl Who {
    pub fn nobody() -> Self {
        Self::default()
    }
    pub fn token(secret: &str) -> Self {
        Self(vec![("authorization", format!("Bearer {secret}"))])
    }
    pub fn cookie(cookie: &str) -> Self {
        Self(vec![("cookie", cookie.into())])
    }
    pub fn session(cookie: &str, csrf: &str) -> Self {
        Self(vec![("cookie", cookie.into()), ("x-csrf-token", csrf.into())])
    }
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.0.push((name, value.into()));
        self
    }
}

impl Api {
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let token = dir.path().join("token");
        let store = postgres().await;
        let settings = Settings {
            data_dir: Some(dir.path().join("data")),
            bootstrap_token_file: Some(token.clone()),
            store: settings.store.clone().or(store),
            ..settings
        };
        let config = settings.resolve().unwrap();
        let node = boot::open(&config).await.unwrap();
        first_start::prepare(&node, &config).await.unwrap();
        let router = web::router(web::AppState::new(node.clone(), &config));
        Self { router, node, admin: read(&token), dir }
    }

    pub fn admin(&self) -> Who {
        Who::token(&self.admin)
    }

    /// The one-time password of the first start.
    pub fn initial_password(&self) -> String {
        read(&self.dir.path().join("data/initial-password"))
    }

    /// Waits for the head of the answer; its body may go on for ever.
    pub async fn open(&self, method: &str, path: &str, who: &Who, body: Option<String>) -> axum::response::Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &who.0 {
            request = request.header(*name, HeaderValue::from_str(value).unwrap());
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let mut request = request.body(Body::from(body.unwrap_or_default())).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4444))));
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn send(&self, method: &str, path: &str, who: &Who, body: Option<String>) -> Answer {
        let response = self.open(method, path, who, body).await;
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(to_bytes(body, 64 << 20).await.unwrap().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Under `/api/v1`.
    pub async fn get(&self, path: &str, who: &Who) -> Answer {
        self.send("GET", &format!("/api/v1{path}"), who, None).await
    }
    /// With a key of its own, unless `who` brings one.
    pub async fn post(&self, path: &str, who: &Who, body: Value) -> Answer {
        let own = who.0.iter().any(|(name, _)| *name == "idempotency-key");
        let who = if own { who.clone() } else { who.clone().with("idempotency-key", &server::state::new_id()) };
        self.send("POST", &format!("/api/v1{path}"), &who, Some(body.to_string())).await
    }
    pub async fn put(&self, path: &str, who: &Who, body: Value) -> Answer {
        self.send("PUT", &format!("/api/v1{path}"), who, Some(body.to_string())).await
    }
    pub async fn delete(&self, path: &str, who: &Who) -> Answer {
        self.send("DELETE", &format!("/api/v1{path}"), who, None).await
    }

    /// An API token of this role.
    pub async fn role(&self, role: &str) -> Who {
        let new = json!({ "name": role, "purpose": "api", "role": role });
        Who::token(self.post("/tokens", &self.admin(), new).await.expect(201).json()["secret"].as_str().unwrap())
    }

    /// Runs one statement in the store; SQLite and PostgreSQL may need different words.
    pub async fn sql(&self, lite: &str, pg: &str) {
        match &self.node.db {
            server::store::Db::Lite(p) => sqlx::raw_sql(sqlx::AssertSqlSafe(lite.to_owned())).execute(p).await.map(drop).unwrap(),
            server::store::Db::Pg(p) => sqlx::raw_sql(sqlx::AssertSqlSafe(pg.to_owned())).execute(p).await.map(drop).unwrap(),
        }
    }

    pub async fn sign_in(&self, name: &str, password: &str) -> Answer {
        self.post("/session", &Who::nobody(), json!({ "name": name, "password": password })).await
    }

    /// A user that has replaced the one-time password, signed in.
    pub async fn person(&self, name: &str, role: &str) -> Who {
        let made = self.post("/users", &self.admin(), json!({ "name": name, "role": role })).await.expect(201).json();
        let first = made["one_time_password"].as_str().unwrap().to_owned();
        let answer = self.sign_in(name, &first).await.expect(200);
        let who = Who::session(&answer.cookie(), answer.json()["csrf"].as_str().unwrap());
        self.post("/me/password", &who, json!({ "old": first, "new": PASSWORD })).await.expect(200);
        who
    }
}

pub const PASSWORD: &str = "grey otter on stilts";

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap().trim().to_owned()
}

/// A database of its own in the cluster that the tests were given.
pub async fn postgres() -> Option<String> {
    let cluster = std::env::var("CROSSFADE_TEST_PG").ok()?;
    let name = format!("t{}", server::state::new_id());
    let pool = sqlx::PgPool::connect(&cluster).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await.unwrap();
    pool.close().await;
    Some(cluster.replacen("/postgres?", &format!("/{name}?"), 1))
}

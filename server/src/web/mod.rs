//! HTTP: the REST API, the live stream, the server-rendered screens, the wallboard. It translates and guards; what is
//! done is in `services`.

pub mod assets;
pub mod auth;
pub mod document;
pub mod headers;
pub mod health;
pub mod idempotency;
pub mod operation;
pub mod own_url;
#[cfg(feature = "ui")]
pub mod pages;
pub mod parameters;
pub mod reply;
pub mod rest;
pub mod router;
pub mod serve;
pub mod sse;
pub mod strict;
pub mod wallboard;

use crate::{
    config::Config,
    services::throttle::Throttle,
    state::{Node, now},
};
use axum::extract::FromRef;
#[cfg(feature = "ui")]
use leptos::config::LeptosOptions;
use model::Millis;
use std::{net::IpAddr, path::PathBuf, sync::Arc};

pub use auth::CallerAddress;
pub use own_url::OwnUrl;
pub use reply::{Json, Limits, MaybeJson, NoBody, Path, Query, Version};
pub use router::router;

#[derive(Clone, FromRef)]
pub struct AppState {
    pub node: Node,
    #[cfg(feature = "ui")]
    pub leptos: LeptosOptions,
    pub web: Arc<Web>,
}

/// What only the web layer of this node knows.
pub struct Web {
    pub public_url: String,
    /// The administrator said so; else it is only where the node listens.
    pub public_url_said: bool,
    /// The built screens.
    pub assets: PathBuf,
    /// This program itself speaks TLS.
    pub tls: bool,
    pub trusted_proxies: Vec<IpAddr>,
    pub throttle: Throttle,
    /// When this life of the node began.
    pub started_at: Millis,
    /// This life of the node, in the ids of the live stream: hex, no dash.
    pub epoch: String,
}

impl AppState {
    pub fn new(node: Node, config: &Config) -> Self {
        #[cfg(feature = "ui")]
        let leptos = LeptosOptions::builder()
            .output_name("app")
            .site_root(config.site_root.display().to_string())
            .site_pkg_dir("pkg")
            .site_addr(config.listen)
            .build();
        let started_at = now();
        let web = Web {
            public_url: config.public_url.clone(),
            public_url_said: config.public_url_said,
            assets: config.site_root.join("pkg"),
            tls: config.tls.is_some(),
            trusted_proxies: config.trusted_proxies.clone(),
            throttle: Throttle::default(),
            started_at,
            epoch: format!("{started_at:x}"),
        };
        Self {
            node,
            #[cfg(feature = "ui")]
            leptos,
            web: Arc::new(web),
        }
    }
}

//! The SDKs' clients of one region: made at the first call, and made anew after a loss.

use super::{
    fields::{Config, Login},
    http::Http,
    operation::Named,
};
use crate::clouds::error::{Error, Result};
use aws_config::{
    AppName, BehaviorVersion, ConfigLoader, Region, SdkConfig, profile::ProfileFileCredentialsProvider, retry::RetryConfig,
    sts::AssumeRoleProvider,
};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_ec2::config::Credentials;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use model::cloud::Requests;
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// In all: the engine has a back-off of its own, and must hear of throttling.
const TRIES: u32 = 3;
/// Thousands of blocks go one after the other: one that is refused for a moment must not cost the whole point.
const BLOCK_TRIES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub struct Link {
    pub config: Config,
    http: Http,
    clients: Mutex<Option<Arc<Clients>>>,
}

pub struct Clients {
    pub ec2: aws_sdk_ec2::Client,
    pub ebs: aws_sdk_ebs::Client,
    pub route53: aws_sdk_route53::Client,
    pub sts: aws_sdk_sts::Client,
}

impl Link {
    pub fn new(config: Config) -> Result<Self> {
        let http = Http::new(config.ca.as_deref(), config.fingerprint.as_deref())?;
        Ok(Self { config, http, clients: Mutex::default() })
    }

    pub fn fingerprint(&self) -> Option<String> {
        self.http.fingerprint()
    }

    pub fn last_sign(&self) -> Option<Duration> {
        self.http.last_sign()
    }

    pub fn requests(&self) -> Requests {
        self.http.meter.read()
    }

    /// The next call reads files and roles anew.
    pub async fn forget(&self) {
        self.clients.lock().await.take();
    }

    pub async fn ec2(&self) -> Result<aws_sdk_ec2::Client> {
        Ok(self.clients().await?.ec2.clone())
    }

    pub async fn ebs(&self) -> Result<aws_sdk_ebs::Client> {
        Ok(self.clients().await?.ebs.clone())
    }

    pub async fn route53(&self) -> Result<aws_sdk_route53::Client> {
        Ok(self.clients().await?.route53.clone())
    }

    pub async fn clients(&self) -> Result<Arc<Clients>> {
        let mut kept = self.clients.lock().await;
        if let Some(clients) = &*kept {
            return Ok(clients.clone());
        }
        let made = Arc::new(self.make().await?);
        *kept = Some(made.clone());
        Ok(made)
    }

    async fn make(&self) -> Result<Clients> {
        let config = &self.config;
        let shared = self.loader().await?.load().await;
        let shared = match &config.role {
            None => shared,
            Some(role) => {
                let mut provider = AssumeRoleProvider::builder(&role.arn).session_name("crossfade").configure(&shared);
                if let Some(id) = &role.external_id {
                    provider = provider.external_id(id);
                }
                let provider = provider.build().await;
                self.loader().await?.credentials_provider(provider).load().await
            }
        };
        Ok(Clients {
            ec2: aws_sdk_ec2::Client::from_conf(aws_sdk_ec2::config::Builder::from(&shared).interceptor(Named).build()),
            ebs: aws_sdk_ebs::Client::from_conf(self.ebs_config(&shared)),
            route53: aws_sdk_route53::Client::from_conf(aws_sdk_route53::config::Builder::from(&shared).interceptor(Named).build()),
            sts: aws_sdk_sts::Client::from_conf(aws_sdk_sts::config::Builder::from(&shared).interceptor(Named).build()),
        })
    }

    async fn loader(&self) -> Result<ConfigLoader> {
        let config = &self.config;
        let name = AppName::new("crossfade").map_err(|error| Error::permanent(error.to_string()))?;
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(config.region.clone()))
            .http_client(self.http.clone())
            .app_name(name)
            // The connection's own limit for silence does it.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .retry_config(retries(TRIES));
        if let Some(endpoint) = &config.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        Ok(match &config.login {
            Login::Keys { id, secret, session } => {
                loader.credentials_provider(Credentials::new(id, secret, session.clone(), None, "crossfade"))
            }
            Login::Host { profile: Some(profile) } => loader.profile_name(profile),
            Login::Host { profile: None } => loader,
            Login::File { text, profile } => {
                let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Credentials, text).build();
                let base = aws_config::provider_config::ProviderConfig::without_region()
                    .with_region(Some(Region::new(config.region.clone())))
                    .with_http_client(self.http.clone());
                let mut provider = ProfileFileCredentialsProvider::builder().configure(&base).profile_files(files);
                if let Some(profile) = profile {
                    provider = provider.profile_name(profile);
                }
                loader.credentials_provider(provider.build())
            }
        })
    }

    fn ebs_config(&self, shared: &SdkConfig) -> aws_sdk_ebs::Config {
        let config = aws_sdk_ebs::config::Builder::from(shared).interceptor(Named).retry_config(retries(BLOCK_TRIES));
        match &self.config.ebs_endpoint {
            Some(endpoint) => config.endpoint_url(endpoint).build(),
            None => config.build(),
        }
    }
}

fn retries(tries: u32) -> RetryConfig {
    RetryConfig::standard().with_max_attempts(tries).with_initial_backoff(FIRST_PAUSE).with_max_backoff(LONGEST_PAUSE)
}

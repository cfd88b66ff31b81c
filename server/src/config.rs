//! What a node is told: flags, then environment, then one TOML file, then defaults that work without any of them.
//!
//! [`Settings`] is what was said, [`Config`] what it comes to: checked, with messages that say how to mend.

use crate::state::Limits;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

/// Each flag is also a key of the TOML file, by the same name.
#[derive(clap::Args, Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// TOML file with any of these settings (a flag or variable wins over it)
    #[arg(long, env = "CROSSFADE_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Where everything of this node lies [default: /var/lib/crossfade for root, else ~/.local/share/crossfade]
    #[arg(long, env = "CROSSFADE_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// sqlite:///path/to/file.db or postgres://user:password@host/database [default: crossfade.db in the data folder]
    #[arg(long, env = "CROSSFADE_STORE", value_name = "URL", hide_env_values = true)]
    pub store: Option<String>,
    /// 32 random bytes that encrypt the stored credentials; made at the first start [default: key in the data folder]
    #[arg(long, env = "CROSSFADE_KEY_FILE", value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "CROSSFADE_LISTEN", value_name = "ADDR")]
    pub listen: Option<String>,
    /// Address under which browsers reach the node, for links [default: as the browser that asks for a link reached it]
    #[arg(long, env = "CROSSFADE_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Certificate chain (PEM); read again when it changes. Needs --tls-key
    #[arg(long, env = "CROSSFADE_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key (PEM) of --tls-cert
    #[arg(long, env = "CROSSFADE_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Addresses of proxies in front whose X-Forwarded-For and X-Forwarded-Proto are believed
    #[arg(long, env = "CROSSFADE_TRUSTED_PROXY", value_name = "IP", value_delimiter = ',')]
    pub trusted_proxy: Vec<IpAddr>,
    /// Folder with the built screens [default: site beside the program, or target/site]
    #[arg(long, env = "CROSSFADE_SITE_ROOT", value_name = "DIR")]
    pub site_root: Option<PathBuf>,
    /// An administrator's API token for automation: read from this file, or made and written there (mode 0600)
    #[arg(long, env = "CROSSFADE_BOOTSTRAP_TOKEN_FILE", value_name = "FILE")]
    pub bootstrap_token_file: Option<PathBuf>,
    /// What is logged, e.g. info or info,server::recovery=debug [default: info]
    #[arg(long, env = "CROSSFADE_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// [default: text]
    #[arg(long, env = "CROSSFADE_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Calls to all clouds at once, 1 to 4096 [default: 64]
    #[arg(long, env = "CROSSFADE_CLOUD_CALLS", value_name = "N")]
    pub cloud_calls: Option<usize>,
    /// Calls to one cloud at once, 1 to 256 [default: 16]
    #[arg(long, env = "CROSSFADE_CALLS_PER_CLOUD", value_name = "N")]
    pub calls_per_cloud: Option<usize>,
    /// Of these, calls that one libvirt host works on at once, 1 to 64; libvirtd's max_client_requests should be no less than
    /// that [default: 8]
    #[arg(long, env = "CROSSFADE_CALLS_PER_HOST", value_name = "N")]
    pub calls_per_host: Option<usize>,
    /// Replication cycles in the background at one cloud at once, 1 to 64 [default: 3]
    #[arg(long, env = "CROSSFADE_CYCLES_PER_CLOUD", value_name = "N")]
    pub cycles_per_cloud: Option<usize>,
    /// Replication cycles in the background on this node at once, 1 to 256 [default: 4]
    #[arg(long, env = "CROSSFADE_CYCLES_PER_NODE", value_name = "N")]
    pub cycles_per_node: Option<usize>,
    /// The program that puts drivers into the disks of machines that change their hypervisor [default: virt-v2v-in-place, where
    /// it is installed]
    #[arg(long, env = "CROSSFADE_VIRT_V2V", value_name = "FILE")]
    pub virt_v2v: Option<PathBuf>,
    /// Add simulated clouds with so many machines together, at several sites; nothing about them is real
    #[arg(long, env = "CROSSFADE_SIMULATE", value_name = "MACHINES", num_args = 0..=1, default_missing_value = "200")]
    pub simulate: Option<u32>,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Clone, Debug)]
pub struct Config {
    pub data_dir: PathBuf,
    pub store: String,
    pub key_file: PathBuf,
    pub listen: SocketAddr,
    /// Without a slash at the end.
    pub public_url: String,
    /// Given, not made from the listen address: links for others may rely on it.
    pub public_url_said: bool,
    /// Certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    pub trusted_proxies: Vec<IpAddr>,
    pub site_root: PathBuf,
    pub bootstrap_token_file: Option<PathBuf>,
    pub log: String,
    pub log_format: LogFormat,
    pub cloud_calls: usize,
    pub limits: Limits,
    pub virt_v2v: Option<PathBuf>,
    pub simulate: Option<u32>,
}

impl Settings {
    /// # Errors
    /// The first setting that cannot be right: which, why, and what would be.
    pub fn resolve(self) -> Result<Config> {
        let file = self.config.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let said = self.or(file);
        let data_dir = said.data_dir.clone().map_or_else(default_data_dir, Ok)?;
        let data_dir = std::path::absolute(&data_dir)?;
        let listen = parse_listen(said.listen.as_deref().unwrap_or("127.0.0.1:8080"))?;
        let usual = Limits::default();
        let tls = tls_files(said.tls_cert, said.tls_key)?;
        let limits = Limits {
            calls_per_cloud: within("calls-per-cloud", said.calls_per_cloud, usual.calls_per_cloud, 256)?,
            calls_per_host: within("calls-per-host", said.calls_per_host, usual.calls_per_host, 64)?,
            cycles_per_cloud: within("cycles-per-cloud", said.cycles_per_cloud, usual.cycles_per_cloud, 64)?,
            cycles_per_node: within("cycles-per-node", said.cycles_per_node, usual.cycles_per_node, 256)?,
        };
        let config = Config {
            store: said.store.unwrap_or_else(|| format!("sqlite://{}", data_dir.join("crossfade.db").display())),
            key_file: said.key_file.unwrap_or_else(|| data_dir.join("key")),
            public_url_said: said.public_url.is_some(),
            public_url: public_url(said.public_url, listen, tls.is_some())?,
            site_root: said.site_root.unwrap_or_else(default_site_root),
            bootstrap_token_file: said.bootstrap_token_file,
            log: said.log.unwrap_or_else(|| "info".into()),
            log_format: said.log_format.unwrap_or_default(),
            cloud_calls: said.cloud_calls.unwrap_or(64),
            limits,
            virt_v2v: said.virt_v2v,
            simulate: said.simulate,
            trusted_proxies: said.trusted_proxy,
            data_dir,
            listen,
            tls,
        };
        if !(1..=4096).contains(&config.cloud_calls) {
            bail!("cloud-calls is {}: it must be between 1 and 4096", config.cloud_calls);
        }
        if config.simulate.is_some_and(|n| !(1..=200_000).contains(&n)) {
            bail!("simulate is {}: it must be between 1 and 200000 machines", config.simulate.unwrap_or(0));
        }
        Ok(config)
    }

    /// What is not said here comes from `file`.
    fn or(self, file: Self) -> Self {
        Self {
            config: self.config,
            data_dir: self.data_dir.or(file.data_dir),
            store: self.store.or(file.store),
            key_file: self.key_file.or(file.key_file),
            listen: self.listen.or(file.listen),
            public_url: self.public_url.or(file.public_url),
            tls_cert: self.tls_cert.or(file.tls_cert),
            tls_key: self.tls_key.or(file.tls_key),
            trusted_proxy: if self.trusted_proxy.is_empty() { file.trusted_proxy } else { self.trusted_proxy },
            site_root: self.site_root.or(file.site_root),
            bootstrap_token_file: self.bootstrap_token_file.or(file.bootstrap_token_file),
            log: self.log.or(file.log),
            log_format: self.log_format.or(file.log_format),
            cloud_calls: self.cloud_calls.or(file.cloud_calls),
            calls_per_cloud: self.calls_per_cloud.or(file.calls_per_cloud),
            calls_per_host: self.calls_per_host.or(file.calls_per_host),
            cycles_per_cloud: self.cycles_per_cloud.or(file.cycles_per_cloud),
            cycles_per_node: self.cycles_per_node.or(file.cycles_per_node),
            virt_v2v: self.virt_v2v.or(file.virt_v2v),
            simulate: self.simulate.or(file.simulate),
        }
    }
}

fn within(name: &str, said: Option<usize>, usual: usize, most: usize) -> Result<usize> {
    match said {
        Some(n) if !(1..=most).contains(&n) => bail!("{name} is {n}: it must be between 1 and {most}"),
        said => Ok(said.unwrap_or(usual)),
    }
}

fn read_file(path: &Path) -> Result<Settings> {
    let text = std::fs::read_to_string(path).with_context(|| format!("the configuration {} cannot be read", path.display()))?;
    toml::from_str(&text).with_context(|| format!("the configuration {} is not right", path.display()))
}

fn default_data_dir() -> Result<PathBuf> {
    if is_root() {
        return Ok("/var/lib/crossfade".into());
    }
    let base = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".local/share"));
    let base = base.or_else(home).context("there is no home folder: say where the data goes with --data-dir")?;
    Ok(base.join("crossfade"))
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

fn parse_listen(text: &str) -> Result<SocketAddr> {
    text.parse().map_err(|_| anyhow::anyhow!("listen is '{text}': write an address and a port, like 127.0.0.1:8080 or [::]:8080"))
}

fn tls_files(cert: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<(PathBuf, PathBuf)>> {
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(Some((cert, key))),
        (None, None) => Ok(None),
        (Some(_), None) => bail!("tls-cert is given without tls-key: both are needed, or neither"),
        (None, Some(_)) => bail!("tls-key is given without tls-cert: both are needed, or neither"),
    }
}

fn public_url(said: Option<String>, listen: SocketAddr, tls: bool) -> Result<String> {
    let Some(said) = said else {
        let scheme = if tls { "https" } else { "http" };
        let host = if listen.ip().is_unspecified() { "localhost".into() } else { SocketAddr::new(listen.ip(), 0).to_string() };
        let host = host.trim_end_matches(":0");
        return Ok(format!("{scheme}://{host}:{}", listen.port()));
    };
    match url::Url::parse(&said) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.path() == "/" => Ok(said.trim_end_matches('/').to_owned()),
        _ => bail!("public-url is '{said}': write it like https://crossfade.example.org, without a path"),
    }
}

/// Beside the program when installed, in the build's folder when not.
fn default_site_root() -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    let candidates = beside.iter().flat_map(|dir| [dir.join("site"), dir.join("../site")]);
    candidates.into_iter().find(|dir| dir.is_dir()).unwrap_or_else(|| "target/site".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:9000\"\ncloud-calls = 7\ncycles-per-node = 9\ndata-dir = \"/data\"\n").unwrap();
        let said = Settings { config: Some(file), listen: Some("127.0.0.1:9001".into()), ..Settings::default() };
        let config = said.resolve().unwrap();
        assert_eq!((config.listen.port(), config.cloud_calls), (9001, 7));
        assert_eq!(config.limits, Limits { cycles_per_node: 9, ..Limits::default() });
        assert_eq!(config.store, "sqlite:///data/crossfade.db");
        assert_eq!(config.public_url, "http://127.0.0.1:9001");
    }

    #[test]
    fn an_unknown_key_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.toml");
        std::fs::write(&file, "lisen = \"x\"\n").unwrap();
        let error = format!("{:#}", Settings { config: Some(file), ..Settings::default() }.resolve().unwrap_err());
        assert!(error.contains("lisen") && error.contains("listen"), "{error}");
    }

    #[test]
    fn wrong_values_say_what_would_be_right() {
        let wrong = |settings: Settings| format!("{:#}", Settings { data_dir: Some("/d".into()), ..settings }.resolve().unwrap_err());
        assert!(wrong(Settings { listen: Some("8080".into()), ..Settings::default() }).contains("127.0.0.1:8080"));
        assert!(wrong(Settings { tls_cert: Some("c".into()), ..Settings::default() }).contains("tls-key"));
        assert!(
            wrong(Settings { calls_per_host: Some(65), ..Settings::default() })
                .contains("calls-per-host is 65: it must be between 1 and 64")
        );
        assert!(wrong(Settings { cloud_calls: Some(0), ..Settings::default() }).contains("between"));
        assert!(wrong(Settings { public_url: Some("crossfade".into()), ..Settings::default() }).contains("https://"));
    }
}

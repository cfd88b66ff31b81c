//! What a node refuses to start with.

use server::{boot, config::Settings, services::first_start, store::Db};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

fn settings(dir: &Path) -> Settings {
    Settings { data_dir: Some(dir.join("data")), ..Settings::default() }
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_key_file_that_others_can_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let config = settings(dir.path()).resolve().unwrap();
    boot::open(&config).await.unwrap();
    let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&config.key_file), mode(&config.data_dir)), (0o600, 0o700));
    assert_eq!(mode(&config.data_dir.join("crossfade.db")), 0o600);
    chmod(&config.key_file, 0o640);
    let error = boot::open(&config).await.err().unwrap().to_string();
    assert!(error.contains("chmod 600"), "{error}");
    chmod(&config.key_file, 0o600);
    fs::write(&config.key_file, "short").unwrap();
    assert!(boot::open(&config).await.err().unwrap().to_string().contains("backup"));
}

#[tokio::test]
async fn a_lost_key_file_is_missed_and_not_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let config = settings(dir.path()).resolve().unwrap();
    let node = boot::open(&config).await.unwrap();
    fs::remove_file(&config.key_file).unwrap();
    boot::open(&config).await.expect("nothing was sealed yet: a new key does no harm");
    let Db::Lite(pool) = &node.db else { panic!() };
    let sealed = node.secrets.seal(b"{}").unwrap();
    let sql = "INSERT INTO clouds (id, name, kind, site, simulated, fields, created_at, status, status_since, secrets) \
               VALUES ('c', 'c', 'simulator', 'x', 1, '{}', 0, 'ok', 0, $1)";
    sqlx::query(sql).bind(sealed).execute(pool).await.unwrap();
    let key = fs::read(&config.key_file).unwrap();
    fs::remove_file(&config.key_file).unwrap();
    let error = format!("{:#}", boot::open(&config).await.err().expect("it started without its key"));
    assert!(error.contains("restore it from your backup") && error.contains("--key-file"), "{error}");
    assert!(!config.key_file.exists(), "a new key was made");
    fs::write(&config.key_file, key).unwrap();
    chmod(&config.key_file, 0o600);
    boot::open(&config).await.unwrap();
}

#[tokio::test]
async fn the_first_start_is_only_once_and_keeps_its_token() {
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    let config = Settings { bootstrap_token_file: Some(token.clone()), ..settings(dir.path()) }.resolve().unwrap();
    let node = boot::open(&config).await.unwrap();
    first_start::prepare(&node, &config).await.unwrap();
    let (password, secret) = (fs::read(config.data_dir.join("initial-password")).unwrap(), fs::read(&token).unwrap());
    first_start::prepare(&node, &config).await.unwrap();
    assert_eq!((fs::read(config.data_dir.join("initial-password")).unwrap(), fs::read(&token).unwrap()), (password, secret));
    chmod(&token, 0o644);
    assert!(first_start::prepare(&node, &config).await.unwrap_err().to_string().contains("chmod 600"));
}

#[tokio::test]
async fn a_data_folder_that_others_can_read_is_closed_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let config = settings(dir.path()).resolve().unwrap();
    let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    // Made empty by a service manager.
    fs::create_dir(&config.data_dir).unwrap();
    chmod(&config.data_dir, 0o755);
    boot::open(&config).await.unwrap();
    assert_eq!(mode(&config.data_dir), 0o700);
    // Opened later, with files of before in it.
    let db = config.data_dir.join("crossfade.db");
    chmod(&config.data_dir, 0o755);
    chmod(&db, 0o644);
    boot::open(&config).await.unwrap();
    assert_eq!((mode(&config.data_dir), mode(&db)), (0o700, 0o600));
    // Somebody's home is not the node's to close.
    let home = dir.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::write(home.join("letter"), "dear").unwrap();
    chmod(&home, 0o755);
    let other = Settings { data_dir: Some(home.clone()), ..Settings::default() }.resolve().unwrap();
    let error = boot::open(&other).await.err().unwrap().to_string();
    assert!(error.contains("chmod 700") && mode(&home) == 0o755, "{error}");
}

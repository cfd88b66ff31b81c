//! Pauses against a small Nova of our own: whatever goes wrong, the machine goes on.

use super::{
    super::{inventory::server::meta, link::Link, link_tests::config},
    Notes, pause,
    pause::Pause,
};
use crate::clouds::openstack::inventory;
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

#[derive(Default)]
struct Nova {
    paused: bool,
    metadata: BTreeMap<String, String>,
    /// Actions that are refused with these words, once each.
    refused: BTreeMap<&'static str, Vec<&'static str>>,
    done: Vec<String>,
}

#[derive(Clone)]
struct Fake {
    address: String,
    nova: Arc<Mutex<Nova>>,
}

fn conflict(message: &str) -> Response {
    (StatusCode::CONFLICT, Json(json!({ "conflictingRequest": { "code": 409, "message": message } }))).into_response()
}

async fn answer(State(fake): State<Fake>, method: Method, uri: Uri, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut nova = fake.nova.lock().unwrap();
    match (method.as_str(), uri.path()) {
        (_, "/v3/auth/tokens") => {
            let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3600);
            let at = |kind: &str, path: &str| json!({ "type": kind, "endpoints": [{ "interface": "public", "region_id": "R", "url": format!("{}{path}", fake.address) }] });
            let token = json!({ "token": { "issued_at": jiff::Timestamp::now().to_string(), "expires_at": end.to_string(), "user": { "name": "u" },
                "project": { "id": "p", "name": "p" }, "catalog": [at("compute", "/v2.1"), at("image", "")] } });
            ([("x-subject-token", "t")], Json(token)).into_response()
        }
        ("GET", "/v2/images") => Json(json!({ "images": [{ "id": "half", "status": "queued" }] })).into_response(),
        ("POST", "/v2.1/servers/s1/metadata") => {
            for (key, value) in body["metadata"].as_object().unwrap() {
                nova.done.push(format!("note {key}"));
                nova.metadata.insert(key.clone(), value.as_str().unwrap().to_owned());
            }
            Json(json!({})).into_response()
        }
        ("POST", "/v2.1/servers/s1/action") => {
            let action = body.as_object().unwrap().keys().next().unwrap().clone();
            if let Some(words) = nova.refused.get_mut(action.as_str()).and_then(Vec::pop) {
                return conflict(words);
            }
            if (action == "pause") == nova.paused {
                return conflict(&format!("Cannot '{action}' instance s1 while it is in this vm_state"));
            }
            nova.paused = action == "pause";
            nova.done.push(action);
            StatusCode::ACCEPTED.into_response()
        }
        ("DELETE", path) => {
            let what = path.rsplit('/').next().unwrap();
            nova.metadata.remove(what);
            nova.done.push(format!("remove {what}"));
            StatusCode::NO_CONTENT.into_response()
        }
        ("GET", "/v2.1/servers/s1") => {
            let (status, power) = if nova.paused { ("PAUSED", 3) } else { ("ACTIVE", 1) };
            Json(json!({ "server": { "id": "s1", "name": "db1", "status": status, "OS-EXT-STS:power_state": power, "metadata": nova.metadata } })).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn cloud() -> (Arc<Mutex<Nova>>, Arc<Link>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let fake = Fake { address: address.clone(), nova: Arc::default() };
    let nova = fake.nova.clone();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer).with_state(fake)).await });
    let _ = rustls::crypto::ring::default_provider().install_default();
    (nova, Arc::new(Link::new(config(format!("{address}/v3"), None)).unwrap()))
}

/// Paused by a node that is gone.
fn left_behind(nova: &Mutex<Nova>, note: &str) {
    let mut nova = nova.lock().unwrap();
    nova.paused = true;
    nova.metadata.insert(meta::PAUSED.into(), note.into());
}

async fn goes_on(nova: &Mutex<Nova>) {
    for _ in 0..100 {
        if nova.lock().unwrap().done.last().is_some_and(|last| last == "remove crossfade_paused") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let nova = nova.lock().unwrap();
    assert!(!nova.paused && nova.metadata.is_empty(), "{:?}", nova.done);
}

#[tokio::test]
async fn the_note_is_there_before_the_pause_and_as_long_as_it() {
    let (nova, link) = cloud().await;
    nova.lock().unwrap().refused.insert("unpause", vec!["Cannot 'unpause' instance s1 while it is in task_state image_uploading"; 2]);
    let pause = Pause::begin(&link, "s1").await.unwrap().unwrap();
    assert!(nova.lock().unwrap().paused);
    pause.end().await.unwrap();
    assert_eq!(nova.lock().unwrap().done, ["note crossfade_paused", "pause", "unpause", "remove crossfade_paused"]);
    goes_on(&nova).await;
}

/// A call that took too long is dropped; its snapshot is given up first, or Nova would hold the machine until it is whole.
#[tokio::test]
async fn one_that_is_given_up_ends_by_itself() {
    let (nova, link) = cloud().await;
    drop(Pause::begin(&link, "s1").await.unwrap().unwrap());
    goes_on(&nova).await;
    assert_eq!(nova.lock().unwrap().done[2..], ["remove half", "unpause", "remove crossfade_paused"]);
}

#[tokio::test]
async fn a_refusal_leaves_nothing_behind() {
    let (nova, link) = cloud().await;
    nova.lock().unwrap().refused.insert("pause", vec!["Instance s1 is locked"]);
    assert!(Pause::begin(&link, "s1").await.unwrap().is_none());
    assert_eq!(nova.lock().unwrap().done, ["note crossfade_paused", "remove crossfade_paused"]);
}

#[tokio::test]
async fn what_a_killed_node_left_is_ended_by_whoever_sees_it() {
    let (nova, link) = cloud().await;
    left_behind(&nova, "1");
    pause::release(&link, "s1", Some("2")).await.unwrap();
    assert!(nova.lock().unwrap().paused, "that is another one, maybe of a node that lives");
    pause::release(&link, "s1", None).await.unwrap();
    goes_on(&nova).await;

    // By the next list, when its time is over.
    let soon = (jiff::Timestamp::now().as_millisecond() + 600).to_string();
    nova.lock().unwrap().done.clear();
    left_behind(&nova, &soon);
    let server = inventory::server(&link, "s1").await.unwrap();
    let notes = Notes::default();
    (0..3).for_each(|_| notes.see(&link, &server));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(nova.lock().unwrap().paused, "not before");
    goes_on(&nova).await;
    assert_eq!(nova.lock().unwrap().done.iter().filter(|done| *done == "unpause").count(), 1, "once");

    // Before it is stopped, say.
    nova.lock().unwrap().done.clear();
    left_behind(&nova, "no number");
    pause::over(&link, "s1").await.unwrap();
    goes_on(&nova).await;
}

#[tokio::test]
async fn the_pause_of_somebody_else_stays() {
    let (nova, link) = cloud().await;
    nova.lock().unwrap().paused = true;
    pause::release(&link, "s1", None).await.unwrap();
    pause::over(&link, "s1").await.unwrap();
    assert!(nova.lock().unwrap().paused && nova.lock().unwrap().done.is_empty());
    assert!(Pause::begin(&link, "s1").await.unwrap().is_none(), "it is refused");
}

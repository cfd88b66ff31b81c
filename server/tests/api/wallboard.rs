use crate::support::{Answer, Api, Who};
use serde_json::{Value, json};

async fn link(api: &Api) -> Value {
    api.post("/tokens", &api.admin(), json!({ "name": "noc", "purpose": "wallboard" })).await.expect(201).json()
}

async fn open(api: &Api, made: &Value) -> Answer {
    api.send("GET", &format!("/wallboard/{}", made["secret"].as_str().unwrap()), &Who::nobody(), None).await
}

#[tokio::test]
async fn the_link_becomes_a_cookie_and_leaves_the_address() {
    let api = Api::new().await;
    let answer = open(&api, &link(&api).await).await.expect(303);
    assert_eq!((answer.header("location"), answer.header("referrer-policy")), ("/wallboard", "no-referrer"));
    assert!(answer.header("set-cookie").contains("HttpOnly") && answer.header("set-cookie").contains("Path=/wallboard"));
    let who = Who::cookie(&answer.cookie());
    let page = api.send("GET", "/wallboard", &who, None).await.expect(200);
    assert!(page.text.contains("<noscript><meta http-equiv=\"refresh\"") && page.text.contains("No alarms"));
    // It opens the board, nothing else.
    api.get("/overview", &who).await.expect(401);
    for file in ["board.css", "board.js"] {
        api.send("GET", &format!("/wallboard/{file}"), &Who::nobody(), None).await.expect(200);
    }
}

#[tokio::test]
async fn a_revoked_link_shows_a_clear_page_and_nothing_else() {
    let api = Api::new().await;
    let made = link(&api).await;
    let who = Who::cookie(&open(&api, &made).await.cookie());
    api.delete(&format!("/tokens/{}", made["token"]["id"].as_str().unwrap()), &api.admin()).await.expect(200);
    let page = api.send("GET", "/wallboard", &who, None).await.expect(401);
    assert!(page.text.contains("This wallboard is closed") && !page.text.contains("No alarms"));
    api.send("GET", "/wallboard/events", &who, None).await.expect(401);
    open(&api, &made).await.expect(401);
}

#[tokio::test]
async fn the_stream_brings_a_board_at_once() {
    use futures::StreamExt;
    let api = Api::new().await;
    let who = Who::cookie(&open(&api, &link(&api).await).await.cookie());
    let response = api.open("GET", "/wallboard/events", &who, None).await;
    let chunk = response.into_body().into_data_stream().next().await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&chunk);
    assert!(text.starts_with("event: board") && text.contains("data-now"), "{text}");
}

#[tokio::test]
async fn a_one_time_password_opens_no_wallboard() {
    let api = Api::new().await;
    let first = api.initial_password();
    let answer = api.sign_in("admin", &first).await.expect(200);
    let who = Who::session(&answer.cookie(), answer.json()["csrf"].as_str().unwrap());
    for path in ["/wallboard", "/wallboard/events"] {
        api.send("GET", path, &who, None).await.expect(401);
    }
    api.post("/me/password", &who, json!({ "old": first, "new": crate::support::PASSWORD })).await.expect(200);
    api.send("GET", "/wallboard", &who, None).await.expect(200);
}

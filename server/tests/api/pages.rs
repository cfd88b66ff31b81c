#![cfg(feature = "ui")]
use crate::support::{Api, Who};

#[tokio::test]
async fn a_page_is_only_for_those_who_are_signed_in() {
    let api = Api::new().await;
    let answer = api.send("GET", "/machines?q=a+b", &Who::nobody(), None).await.expect(303);
    assert_eq!(answer.header("location"), "/sign-in?next=%2Fmachines%3Fq%3Da%2Bb");
    assert_eq!(api.send("GET", "/", &Who::nobody(), None).await.expect(303).header("location"), "/sign-in");
    api.send("GET", "/sign-in", &Who::nobody(), None).await.expect(200);
}

#[tokio::test]
async fn a_page_is_rendered_for_its_reader_with_a_nonce_of_its_own() {
    let api = Api::new().await;
    let who = api.person("ann", "viewer").await;
    let page = api.send("GET", "/machines", &Who::cookie(&who.0[0].1), None).await.expect(200);
    assert!(page.text.contains("ann") && page.header("cache-control") == "no-store");
    let nonce = page.header("content-security-policy").split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    assert!(nonce.len() > 15);
    for script in page.text.match_indices("<script").map(|(at, _)| &page.text[at..]) {
        assert!(script.split('>').next().unwrap().contains(&nonce), "{}", &script[..80]);
    }
    assert!(!page.text.contains(" style=\""), "the policy forbids inline styles");
    let other = api.send("GET", "/machines", &Who::cookie(&who.0[0].1), None).await;
    assert!(!other.header("content-security-policy").contains(&nonce));
}

use crate::lab::Lab;
use serde_json::json;

#[tokio::test]
async fn the_points_of_a_member_and_of_a_machine_are_listed_in_pages() {
    let lab = Lab::new().await;
    let (api, viewer) = (&lab.api, lab.api.role("viewer").await);
    let group = lab.protected("shop").await;
    let member = &group["members"][0];
    let of_member = format!("/members/{}/points", member["id"].as_str().unwrap());
    lab.until(&of_member, "two points", |p| p["items"].as_array().unwrap().len() > 1).await;
    // No more of them while they are compared.
    api.post(&format!("/groups/{}/pause", group["id"].as_str().unwrap()), &lab.admin(), json!({})).await.expect(200);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let all = api.get(&of_member, &viewer).await.expect(200).json();
    let seqs: Vec<i64> = all["items"].as_array().unwrap().iter().map(|p| p["seq"].as_i64().unwrap()).collect();
    assert!(seqs.windows(2).all(|w| w[0] > w[1]), "newest first: {seqs:?}");
    let first = api.get(&format!("{of_member}?limit=1"), &viewer).await.expect(200).json();
    let next = api.get(&format!("{of_member}?limit=1&cursor={}", first["next"].as_str().unwrap()), &viewer).await.expect(200).json();
    assert_eq!((&first["items"][0], &next["items"][0]), (&all["items"][0], &all["items"][1]));
    let of_machine = format!("/machines/{}/points", member["machine_id"].as_str().unwrap());
    assert_eq!(api.get(&of_machine, &viewer).await.expect(200).json()["items"][0], all["items"][0]);
    api.get(&format!("{of_member}?cursor=x"), &viewer).await.expect_field(400, "cursor");
    api.get(&format!("{of_machine}?limit=0"), &viewer).await.expect_field(400, "limit");
    assert_eq!(api.get("/members/none/points", &viewer).await.expect(200).json()["items"], json!([]));
}

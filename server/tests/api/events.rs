use crate::support::{Api, Who};
use axum::body::BodyDataStream;
use futures::StreamExt;
use model::live::Topic;
use serde_json::Value;
use std::time::Duration;

struct Stream(BodyDataStream, String);

impl Stream {
    async fn open(api: &Api, who: Who) -> Self {
        let response = api.open("GET", "/api/v1/events", &who, None).await;
        assert_eq!(response.status(), 200);
        Self(response.into_body().into_data_stream(), String::new())
    }

    /// `(id, data)` of the next event.
    async fn next(&mut self) -> (String, Value) {
        loop {
            if let Some((frame, rest)) = self.1.clone().split_once("\n\n") {
                self.1 = rest.to_owned();
                let field = |name: &str| frame.lines().find_map(|l| l.strip_prefix(name)).map(|v| v.trim().to_owned());
                if let (Some(id), Some(data)) = (field("id:"), field("data:")) {
                    return (id, serde_json::from_str(&data).unwrap());
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(10), self.0.next()).await.expect("nothing came").unwrap().unwrap();
            self.1.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was() {
    let api = Api::new().await;
    let mut first = Stream::open(&api, api.admin()).await;
    assert_eq!(first.next().await.1["topic"], "hello");
    api.node.live.publish(Topic::Machine, "m1", &1);
    let (id, event) = first.next().await;
    assert_eq!((event["topic"].as_str(), event["id"].as_str()), (Some("machine"), Some("m1")));
    drop(first);
    api.node.live.publish(Topic::Machine, "m2", &2);
    let mut again = Stream::open(&api, api.admin().with("last-event-id", &id)).await;
    let (hello_id, hello) = again.next().await;
    assert_eq!((hello["topic"].as_str(), hello_id), (Some("hello"), id), "hello must not skip what was missed");
    assert_eq!(again.next().await.1["id"], "m2");
}

#[tokio::test]
async fn another_life_of_the_node_means_read_everything_again() {
    let api = Api::new().await;
    for foreign in ["1f-3", "3", "nonsense"] {
        let mut stream = Stream::open(&api, api.admin().with("last-event-id", foreign)).await;
        assert_eq!(stream.next().await.1["topic"], "hello");
        assert_eq!(stream.next().await.1["topic"], "reset");
    }
}

#[tokio::test]
async fn a_gap_that_cannot_be_filled_is_told() {
    let api = Api::new().await;
    let mut stream = Stream::open(&api, api.admin()).await;
    let (id, _) = stream.next().await;
    (0..9000).for_each(|i| api.node.live.publish(Topic::Machine, "m", &i));
    let mut again = Stream::open(&api, api.admin().with("last-event-id", &id)).await;
    assert_eq!(again.next().await.1["topic"], "hello");
    assert_eq!(again.next().await.1["topic"], "reset");
    // The one that was open all the time fell behind and is told so too.
    assert_eq!(stream.next().await.1["topic"], "reset");
}

#[tokio::test]
async fn it_ends_with_the_node_and_is_closed_to_strangers() {
    let api = Api::new().await;
    api.get("/events", &Who::nobody()).await.expect(401);
    let mut stream = Stream::open(&api, api.admin()).await;
    stream.next().await;
    api.node.stopping.cancel();
    let end = tokio::time::timeout(Duration::from_secs(10), stream.0.next()).await.unwrap();
    assert!(end.is_none());
}

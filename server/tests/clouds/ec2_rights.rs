//! Rights that can only be asked for by a call that must fail, by answers that were made by hand.
#![cfg(feature = "ec2")]

use super::ec2_answers::{Answer, Script, json_refused, ok, refused, xml};

/// An account with nothing in it, where these are answered so.
fn account(answers: &[(&str, Answer)]) -> Script {
    let script = Script::default();
    script
        .on("DescribeInstances", [xml("DescribeInstances", "<reservationSet/>")])
        .on("DeleteSnapshot", [xml("DeleteSnapshot", "<return>true</return>")]);
    for (what, answer) in answers {
        script.on(what, [answer.clone()]);
    }
    script
}

async fn missing(script: &Script) -> Vec<String> {
    let problems = script.cloud().await.probe().await.unwrap().problems;
    problems.into_iter().filter(|one| one.subject == "rights").map(|one| one.what).collect()
}

#[tokio::test]
async fn what_may_not_be_made_is_named() {
    let denied = refused(403, "UnauthorizedOperation");
    let script = account(&[
        ("RegisterImage", denied.clone()),
        ("ModifyInstanceAttribute", denied),
        ("POST /snapshots", json_refused(403, "AccessDeniedException")),
    ]);
    let wanted = [
        "Refused: ec2:ModifyInstanceAttribute. Without it machines are not locked against start.",
        "Refused: ec2:RegisterImage. Without it machines are not made.",
        "Refused: ebs:StartSnapshot. Without it recovery points are not kept.",
    ];
    assert_eq!(missing(&script).await, wanted);
}

#[tokio::test]
async fn what_may_be_made_is_not_made() {
    for (status, code) in [(404, "ResourceNotFoundException"), (400, "ValidationException")] {
        let dry = refused(412, "DryRunOperation");
        let script =
            account(&[("RegisterImage", dry.clone()), ("ModifyInstanceAttribute", dry), ("POST /snapshots", json_refused(status, code))]);
        assert_eq!(missing(&script).await, [""; 0]);
        let body = |what: &str| String::from_utf8(script.all(what)[0].body.clone()).unwrap();
        for action in ["RegisterImage", "ModifyInstanceAttribute"] {
            assert!(body(action).contains("DryRun=true"), "{}", body(action));
        }
        let asked: serde_json::Value = serde_json::from_str(&body("POST /snapshots")).unwrap();
        assert_eq!((asked["ParentSnapshotId"].as_str(), asked["Encrypted"].as_bool()), (Some("snap-00000000000000000"), Some(true)));
        let removed = script.all("DeleteSnapshot");
        assert!(removed.iter().all(|one| String::from_utf8_lossy(&one.body).contains("DryRun=true")), "nothing was there to be removed");
    }
}

/// A cloud that speaks like it, and looks less closely.
#[tokio::test]
async fn what_is_made_all_the_same_is_removed() {
    let script = account(&[("POST /snapshots", ok(r#"{"SnapshotId":"snap-made","Status":"pending"}"#))]);
    assert_eq!(missing(&script).await, [""; 0]);
    let removed = script.all("DeleteSnapshot");
    assert!(removed.iter().any(|one| String::from_utf8_lossy(&one.body).contains("SnapshotId=snap-made")));
}

//! A floating (elastic) address: the cloud itself points it at a card of the machine. This node only asks for it, so it need
//! not be on that network; what the cloud answers is read back, and the probe looks from outside.

use super::{
    Capabilities, Plan, Pointer, Request, Result, Steering,
    garp::{aimed, carrier, parse},
    probe,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub struct Floating<'a> {
    /// The cloud where the machine is.
    pub cloud: &'a dyn Pointer,
}

/// Where it shall point.
#[derive(Serialize, Deserialize)]
struct Target {
    mac: String,
}

fn target(plan: &Plan) -> Result<Target> {
    serde_json::from_value(plan.how.clone()).map_err(|e| format!("this plan is of another mechanism: {e}."))
}

#[async_trait]
impl Steering for Floating<'_> {
    fn capabilities(&self) -> Capabilities {
        Capabilities { checks_epoch: false, same_address: true }
    }

    async fn probe(&self, address: &str) -> Result<String> {
        Ok(match self.cloud.reaches(address).await? {
            Some(mac) => format!("{address} belongs to the cloud and reaches {mac} now."),
            None => format!("{address} belongs to the cloud and reaches nothing now."),
        })
    }

    async fn plan(&self, request: &Request) -> Result<Plan> {
        let unknown = "it is not known which card of the machine shall carry the address: name its network in the plan.";
        let mac = carrier(request, parse(&request.address)?).ok_or(unknown)?.mac.to_lowercase();
        let (address, probe) = (request.address.clone(), aimed(&request.probe, &request.address));
        let in_words = format!("point {address} at {mac}");
        Ok(Plan { mechanism: "floating".into(), address, how: serde_json::json!(Target { mac }), probe, in_words })
    }

    async fn apply(&self, plan: &Plan, _epoch: i64) -> Result<String> {
        self.cloud.point(&plan.address, &target(plan)?.mac).await
    }

    /// The old machine may answer as well: only what the cloud says tells the two apart.
    async fn verify(&self, plan: &Plan) -> Result<String> {
        let wanted = target(plan)?.mac;
        match self.cloud.reaches(&plan.address).await? {
            Some(mac) if mac.eq_ignore_ascii_case(&wanted) => probe::answer(&plan.probe, &plan.address).await,
            Some(mac) => Err(format!("the cloud still points {} at {mac}.", plan.address)),
            None => Err(format!("the cloud points {} at nothing.", plan.address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{machine::Nic, plan::HealthCheck};
    use std::sync::Mutex;
    use tokio::net::TcpListener;

    /// A cloud that points where it is told to, unless it is stuck.
    struct Fake {
        at: Mutex<Option<String>>,
        stuck: bool,
    }

    #[async_trait]
    impl Pointer for Fake {
        async fn reaches(&self, _: &str) -> Result<Option<String>> {
            Ok(self.at.lock().unwrap().clone())
        }
        async fn point(&self, address: &str, mac: &str) -> Result<String> {
            if !self.stuck {
                *self.at.lock().unwrap() = Some(mac.to_uppercase());
            }
            Ok(format!("{address} points at {mac}"))
        }
    }

    fn request(probe: HealthCheck) -> Request {
        let nic = |mac: &str| Nic { mac: mac.into(), model: None, network: Some("svc".into()), addresses: vec![], address_source: None };
        Request { address: "127.0.0.1".into(), nics: vec![nic("FA:16:3E:00:00:01")], network: None, networks: vec![], probe }
    }

    #[tokio::test]
    async fn it_is_proved_by_the_cloud_and_from_outside() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let check = HealthCheck::Tcp { address: None, port: listener.local_addr().unwrap().port() };
        let cloud = Fake { at: Mutex::new(Some("fa:16:3e:00:00:99".into())), stuck: false };
        let steering = Floating { cloud: &cloud };
        let plan = steering.plan(&request(check.clone())).await.unwrap();
        assert_eq!(plan.how["mac"], "fa:16:3e:00:00:01");
        assert!(steering.verify(&plan).await.unwrap_err().contains("still points"), "it answers, but it is another machine");
        for _ in 0..2 {
            steering.apply(&plan, 1).await.unwrap();
        }
        assert!(steering.verify(&plan).await.unwrap().contains("accepts connections"));
        let stuck = Fake { at: Mutex::new(None), stuck: true };
        let steering = Floating { cloud: &stuck };
        steering.apply(&plan, 1).await.unwrap();
        assert!(steering.verify(&plan).await.unwrap_err().contains("at nothing"), "that it was asked for is no proof");
    }

    #[tokio::test]
    async fn a_machine_with_several_cards_needs_a_choice() {
        let cloud = Fake { at: Mutex::new(None), stuck: false };
        let mut two = request(HealthCheck::Running);
        let mut other = two.nics[0].clone();
        (other.mac, other.network) = ("fa:16:3e:00:00:02".into(), Some("lan".into()));
        two.nics.push(other);
        let steering = Floating { cloud: &cloud };
        assert!(steering.plan(&two).await.unwrap_err().contains("name its network"));
        two.network = Some("lan".into());
        assert_eq!(steering.plan(&two).await.unwrap().how["mac"], "fa:16:3e:00:00:02");
    }
}

//! Which operation a request is of: it is counted by that where it is sent, since the SDKs send a request again by themselves.

use crate::clouds::http::Meter;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextMut},
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use http::request::Parts;

/// Written onto each request of our own clients; those that the SDKs send to sign in have none.
#[derive(Clone, Debug)]
struct Operation {
    service: &'static str,
    name: String,
}

#[derive(Debug)]
pub struct Named;

impl Intercept for Named {
    fn name(&self) -> &'static str {
        "the operation's name"
    }

    /// At every try: a copy of a request has lost it.
    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(of) = config.load::<Metadata>() {
            context.request_mut().add_extension(Operation { service: service(of.service()), name: of.name().to_owned() });
        }
        Ok(())
    }
}

/// As the SDKs call them, and as a policy does.
fn service(name: &str) -> &'static str {
    match name {
        "EC2" => "ec2",
        "EBS" => "ebs",
        "STS" => "sts",
        "Route 53" => "route53",
        _ => "other",
    }
}

pub fn count(meter: &Meter, parts: &Parts, body: &[u8]) {
    if let Some(of) = parts.extensions.get::<Operation>() {
        return meter.count(of.service, &of.name);
    }
    // A role is assumed by a form that names its action; the rest asks this host, or a service of single sign-on.
    let form = std::str::from_utf8(body).unwrap_or_default();
    match form.split('&').find_map(|pair| pair.strip_prefix("Action=")) {
        Some(action) => meter.count("sts", action),
        None => meter.count("credentials", parts.method.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[test]
    fn each_request_is_counted_by_its_operation() {
        let meter = Meter::default();
        let parts = || Request::put("http://x/latest/api/token").body(()).unwrap().into_parts().0;
        let mut named = parts();
        named.extensions.insert(Operation { service: service("EBS"), name: "PutSnapshotBlock".into() });
        for _ in 0..2 {
            count(&meter, &named, b"Action=of a disk");
        }
        count(&meter, &parts(), b"Version=2011-06-15&Action=AssumeRole&RoleArn=x");
        count(&meter, &parts(), b"");
        let seen: Vec<_> = meter.read().counts.into_iter().map(|one| (one.service, one.kind, one.total)).collect();
        let row = |service: &str, kind: &str, total| (service.to_owned(), kind.to_owned(), total);
        assert_eq!(seen, [row("credentials", "PUT", 1), row("ebs", "PutSnapshotBlock", 2), row("sts", "AssumeRole", 1)]);
        assert_eq!((service("Route 53"), service("Lambda")), ("route53", "other"));
    }
}

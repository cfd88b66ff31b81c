//! What an answer of EC2 or EBS means, by kind. The codes are those of the EC2 API reference, "Error codes", and of EBS direct.

use crate::clouds::{
    error::{Error, Kind, Result},
    http::unanswered,
};
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::{future::Future, time::Duration};

/// When it throttles and does not say for how long: EC2's buckets refill within seconds.
const PAUSE: Duration = Duration::from_secs(5);
/// A refusal carries an encoded explanation of some kilobytes.
const LONGEST: usize = 400;

/// A call that changes nothing.
pub async fn look<T, E>(what: &str, call: impl Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>) -> Result<T>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    call.await.map_err(|error| of(what, false, &error))
}

/// A call that changes something: without an answer nobody knows whether it did.
pub async fn change<T, E>(what: &str, call: impl Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>) -> Result<T>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    call.await.map_err(|error| of(what, true, &error))
}

pub fn of<E>(what: &str, changes: bool, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if let SdkError::ServiceError(answer) = error {
        let (raw, said) = (answer.raw(), answer.err());
        let header = |name: &str| raw.headers().get(name);
        let pause = pause(header("retry-after"), header("x-amz-retry-after"));
        return of_answer(what, changes, raw.status().as_u16(), said.code().unwrap_or_default(), said.message(), pause);
    }
    if let Some(lost) = cause::<reqwest::Error>(error) {
        return unanswered(what, changes, lost);
    }
    if let Some(why) = cause::<CredentialsError>(error) {
        return Error::new(Kind::Auth, format!("{what}: there are no credentials: {}", chain(why)));
    }
    let kind = match error {
        SdkError::ConstructionFailure(_) => Kind::Permanent,
        // It answered, and not in a way that can be read.
        SdkError::ResponseError(answer) if answer.raw().status().as_u16() < 500 => Kind::Permanent,
        _ if changes => Kind::Unknown,
        _ => Kind::Transient,
    };
    Error::new(kind, format!("{what}: {}", chain(error)))
}

fn of_answer(what: &str, changes: bool, status: u16, code: &str, said: Option<&str>, pause: Option<Duration>) -> Error {
    let said: String =
        said.filter(|text| !text.is_empty()).map_or_else(|| format!("HTTP status {status}"), |text| text.chars().take(LONGEST).collect());
    let code_shown = if code.is_empty() { String::new() } else { format!(" ({code})") };
    Error::new(kind(changes, status, code, pause), format!("{what}: {said}{code_shown}"))
}

fn kind(changes: bool, status: u16, code: &str, pause: Option<Duration>) -> Kind {
    let broken = if changes { Kind::Unknown } else { Kind::Transient };
    match code {
        "AuthFailure"
        | "UnauthorizedOperation"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "AccessDenied"
        | "AccessDeniedException"
        | "UnrecognizedClientException"
        | "OptInRequired"
        | "Blocked"
        | "InvalidAccessKeyId"
        | "MissingAuthenticationToken"
        | "IncompleteSignature"
        | "NotAuthorized" => Kind::Auth,
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "EC2ThrottledException"
        | "SlowDown"
        | "TooManyRequestsException"
        | "BandwidthLimitExceeded"
        | "PriorRequestNotComplete"
        | "SnapshotCreationPerVolumeRateExceeded" => Kind::Throttled(pause.unwrap_or(PAUSE)),
        "ResourceNotFoundException" | "InvalidInstanceID.Malformed" | "InvalidInstanceID" => Kind::NotFound,
        "InsufficientFreeAddressesInSubnet" | "ServiceQuotaExceededException" | "InsufficientAddressCapacity" => Kind::Full,
        "InternalError" | "InternalFailure" | "InternalServerException" | "ServiceException" => broken,
        "ServiceUnavailable" | "Unavailable" => Kind::Transient,
        "IncorrectState"
        | "IncorrectInstanceState"
        | "InvalidState"
        | "VolumeInUse"
        | "ConflictException"
        | "IdempotentParameterMismatch"
        | "OperationNotPermitted"
        | "DependencyViolation"
        | "ResourceConflict" => Kind::Conflict,
        "UnsupportedOperation" | "Unsupported" | "InvalidAction" | "UnsupportedHostConfiguration" => Kind::Unsupported,
        _ if code.ends_with("NotFound") || code.ends_with("Unknown") && code.starts_with("Invalid") => Kind::NotFound,
        _ if code.ends_with("LimitExceeded") || code.starts_with("Insufficient") => Kind::Full,
        _ if code.ends_with("InUse") || code.ends_with("Duplicate") => Kind::Conflict,
        _ => match status {
            401 | 403 => Kind::Auth,
            404 => Kind::NotFound,
            409 => Kind::Conflict,
            429 => Kind::Throttled(pause.unwrap_or(PAUSE)),
            503 if pause.is_some() => Kind::Throttled(pause.unwrap_or(PAUSE)),
            503 => Kind::Transient,
            500..=599 => broken,
            _ => Kind::Permanent,
        },
    }
}

/// Seconds in the one, milliseconds in the other.
fn pause(seconds: Option<&str>, millis: Option<&str>) -> Option<Duration> {
    let number = |text: Option<&str>| text?.trim().parse::<u64>().ok();
    number(millis).map(Duration::from_millis).or_else(|| number(seconds).map(Duration::from_secs))
}

fn cause<'a, C: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a C> {
    let mut next = Some(error);
    while let Some(one) = next {
        if let Some(found) = one.downcast_ref::<C>() {
            return Some(found);
        }
        next = one.source();
    }
    None
}

/// Each cause once, the innermost last.
fn chain(error: &dyn std::error::Error) -> String {
    let (mut all, mut next) = (vec![], Some(error));
    while let Some(one) = next {
        let text = one.to_string();
        if all.last() != Some(&text) {
            all.push(text);
        }
        next = one.source();
    }
    all.join(": ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart() {
        let five = Some(Duration::from_secs(7));
        for (status, code, changes, pause, wanted) in [
            (403, "UnauthorizedOperation", true, None, Kind::Auth),
            (400, "ExpiredTokenException", false, None, Kind::Auth),
            (400, "RequestExpired", false, None, Kind::Auth),
            (503, "RequestLimitExceeded", true, five, Kind::Throttled(Duration::from_secs(7))),
            (400, "ThrottlingException", false, None, Kind::Throttled(PAUSE)),
            (400, "RequestThrottledException", true, None, Kind::Throttled(PAUSE)),
            (400, "InvalidInstanceID.NotFound", false, None, Kind::NotFound),
            (400, "InvalidAMIID.NotFound", false, None, Kind::NotFound),
            (404, "ResourceNotFoundException", false, None, Kind::NotFound),
            (400, "VcpuLimitExceeded", true, None, Kind::Full),
            (500, "InsufficientInstanceCapacity", true, None, Kind::Full),
            (402, "ServiceQuotaExceededException", true, None, Kind::Full),
            (400, "IncorrectInstanceState", true, None, Kind::Conflict),
            (400, "InvalidIPAddress.InUse", true, None, Kind::Conflict),
            (500, "InternalError", true, None, Kind::Unknown),
            (500, "InternalError", false, None, Kind::Transient),
            (503, "Unavailable", true, None, Kind::Transient),
            (400, "UnsupportedOperation", true, None, Kind::Unsupported),
            (400, "InvalidParameterValue", true, None, Kind::Permanent),
            (503, "", true, five, Kind::Throttled(Duration::from_secs(7))),
            (502, "", true, None, Kind::Unknown),
        ] {
            assert_eq!(kind(changes, status, code, pause), wanted, "{status} {code}");
        }
    }

    #[test]
    fn how_long_to_wait_is_read_in_seconds_or_milliseconds() {
        assert_eq!(pause(Some("3"), None), Some(Duration::from_secs(3)));
        assert_eq!(pause(Some("3"), Some("250")), Some(Duration::from_millis(250)));
        assert_eq!(pause(Some("soon"), None), None);
    }

    #[test]
    fn what_the_cloud_said_is_kept_and_not_endless() {
        let error = of_answer("run", true, 403, "UnauthorizedOperation", Some(&"x".repeat(5000)), None);
        assert!(error.message.starts_with("run: xxx") && error.message.ends_with("(UnauthorizedOperation)") && error.message.len() < 500);
        assert_eq!(of_answer("run", true, 502, "", None, None).message, "run: HTTP status 502");
    }
}

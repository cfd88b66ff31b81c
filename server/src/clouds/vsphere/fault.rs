//! What a fault of vSphere means, by kind. Pure.

use super::xml::Node;
use crate::clouds::error::{Error, Kind};

/// Of a SOAP fault: `<Fault><faultstring/><detail><XFault xsi:type="X"/></detail></Fault>`.
pub fn of_soap(what: &str, changes: bool, fault: &Node) -> Error {
    let detail = fault.child("detail").and_then(|detail| detail.children.first());
    let kind = detail.map(name).unwrap_or_default();
    error(what, changes, kind, fault.get("faultstring").unwrap_or_default(), detail)
}

/// Of a task, a lease or a missing property: `<fault xsi:type="X"/><localizedMessage/>`.
pub fn of_task(what: &str, fault: &Node) -> Error {
    let inner = fault.child("fault");
    let kind = inner.map(name).unwrap_or_default();
    // It was carried out and failed: nothing is unknown about it.
    error(what, false, kind, fault.get("localizedMessage").unwrap_or_default(), inner)
}

/// The session is over: sign in again.
pub fn is_signed_out(fault: &Node) -> bool {
    fault.child("detail").and_then(|detail| detail.children.first()).is_some_and(|one| name(one) == "NotAuthenticated")
}

fn name(fault: &Node) -> &str {
    if fault.kind.is_empty() { fault.name.trim_end_matches("Fault") } else { &fault.kind }
}

fn error(what: &str, changes: bool, kind: &str, said: &str, detail: Option<&Node>) -> Error {
    let why = [words(kind, detail), said.trim().to_owned(), kind.to_owned()].into_iter().find(|text| !text.is_empty());
    let why = why.unwrap_or_else(|| "it failed and does not say why".into());
    Error::new(kind_of(kind, changes), format!("{what}: {why}"))
}

fn kind_of(fault: &str, changes: bool) -> Kind {
    match fault {
        "InvalidLogin" | "NoPermission" | "NotAuthenticated" | "InvalidLocale" | "PasswordExpired" | "AccountLockout" => Kind::Auth,
        "ManagedObjectNotFound" | "NotFound" | "FileNotFound" => Kind::NotFound,
        "InvalidPowerState"
        | "InvalidState"
        | "DuplicateName"
        | "AlreadyExists"
        | "FileAlreadyExists"
        | "FileLocked"
        | "ResourceInUse"
        | "InvalidSnapshotState"
        | "ConcurrentAccess" => Kind::Conflict,
        "NotSupported" | "MethodNotFound" | "NotImplemented" | "MethodDisabled" | "ToolsUnavailable" | "ChangeTrackingNotSupported" => {
            Kind::Unsupported
        }
        "NoDiskSpace" | "InsufficientStorageSpace" | "FileNoSpace" => Kind::Full,
        other if other.starts_with("Insufficient") => Kind::Full,
        "HostNotConnected"
        | "HostCommunication"
        | "HostNotReachable"
        | "HostConnectFault"
        | "Timedout"
        | "TaskInProgress"
        | "RequestCanceled"
        | "ToolsUnavailableInGuest"
        | "CannotAccessNetwork" => Kind::Transient,
        // The server broke while it worked: it may have done it.
        "SystemError" | "RuntimeFault" | "HostRuntimeFault" | "" if changes => Kind::Unknown,
        "SystemError" | "RuntimeFault" | "HostRuntimeFault" | "" => Kind::Transient,
        _ => Kind::Permanent,
    }
}

/// Where vSphere's own text is empty or leaves out what helps.
fn words(kind: &str, detail: Option<&Node>) -> String {
    let get = |key: &str| detail.and_then(|one| one.get(key)).unwrap_or("?").to_owned();
    match kind {
        "NoPermission" => format!("the privilege {} is missing on {}", get("privilegeId"), get("object")),
        "InvalidLogin" => "user or password is wrong".into(),
        "ManagedObjectNotFound" => format!("{} does not exist", get("obj")),
        "ToolsUnavailable" => "VMware Tools do not run in the guest, so it cannot be asked to stop".into(),
        "InvalidPowerState" => format!("it is {}, and had to be {}", get("existingState"), get("requestedState")),
        "DuplicateName" => format!("there is one named '{}' already", get("name")),
        "FileNotFound" | "FileAlreadyExists" | "FileLocked" | "NoDiskSpace" if detail.is_some_and(|one| one.child("file").is_some()) => {
            let what = match kind {
                "FileNotFound" => "is not there",
                "FileAlreadyExists" => "is there already",
                "FileLocked" => "is locked by a host",
                _ => "has no room left",
            };
            format!("the file {} {what}", get("file"))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::xml::parse, *};

    /// The first two as the simulator says them, the others by VMware's schema.
    const FAULTS: &[(&str, bool, Kind, &str)] = &[
        (
            r#"<Fault><faultcode>ServerFaultCode</faultcode><faultstring>Login failure</faultstring><detail><InvalidLoginFault xmlns="urn:vim25" xsi:type="InvalidLogin"></InvalidLoginFault></detail></Fault>"#,
            false,
            Kind::Auth,
            "user or password",
        ),
        (
            r#"<Fault><faultstring>managed object not found: VirtualMachine:vm-9</faultstring><detail><ManagedObjectNotFoundFault xsi:type="ManagedObjectNotFound"><obj type="VirtualMachine">vm-9</obj></ManagedObjectNotFoundFault></detail></Fault>"#,
            true,
            Kind::NotFound,
            "vm-9 does not exist",
        ),
        (
            r#"<Fault><faultstring>Permission to perform this operation was denied.</faultstring><detail><NoPermissionFault xsi:type="NoPermission"><object type="VirtualMachine">vm-7</object><privilegeId>VirtualMachine.State.CreateSnapshot</privilegeId></NoPermissionFault></detail></Fault>"#,
            true,
            Kind::Auth,
            "VirtualMachine.State.CreateSnapshot is missing on vm-7",
        ),
        (
            r#"<Fault><faultstring>gone wrong</faultstring><detail><RuntimeFaultFault xsi:type="SystemError"/></detail></Fault>"#,
            true,
            Kind::Unknown,
            "gone wrong",
        ),
        (
            r#"<Fault><faultstring>gone wrong</faultstring><detail><RuntimeFaultFault xsi:type="SystemError"/></detail></Fault>"#,
            false,
            Kind::Transient,
            "gone wrong",
        ),
        (
            r#"<Fault><faultstring>x</faultstring><detail><InsufficientMemoryResourceFaultFault xsi:type="InsufficientMemoryResourceFault"/></detail></Fault>"#,
            true,
            Kind::Full,
            "x",
        ),
        (
            r#"<Fault><faultstring>The attempted operation cannot be performed in the current state (Powered on).</faultstring><detail><InvalidPowerStateFault xsi:type="InvalidPowerState"><requestedState>poweredOff</requestedState><existingState>poweredOn</existingState></InvalidPowerStateFault></detail></Fault>"#,
            true,
            Kind::Conflict,
            "it is poweredOn",
        ),
        (
            r#"<Fault><faultstring>A specified parameter was not correct: changeId</faultstring><detail><InvalidArgumentFault xsi:type="InvalidArgument"><invalidProperty>changeId</invalidProperty></InvalidArgumentFault></detail></Fault>"#,
            false,
            Kind::Permanent,
            "changeId",
        ),
    ];

    #[test]
    fn faults_are_told_apart() {
        for (text, changes, kind, words) in FAULTS {
            let error = of_soap("start", *changes, &parse(text).unwrap());
            assert_eq!(error.kind, *kind, "{text}");
            assert!(error.message.starts_with("start: ") && error.message.contains(words), "{}", error.message);
        }
    }

    #[test]
    fn a_task_that_failed_did_not_happen() {
        let text = r#"<error><fault xsi:type="SystemError"><reason>vpxd</reason></fault><localizedMessage>A general system error occurred</localizedMessage></error>"#;
        let error = of_task("create", &parse(text).unwrap());
        assert_eq!((error.kind, error.message.as_str()), (Kind::Transient, "create: A general system error occurred"));
    }

    #[test]
    fn a_session_that_is_over_is_noticed() {
        let text = r#"<Fault><faultstring/><detail><NotAuthenticatedFault xsi:type="NotAuthenticated"><object type="Folder">group-d1</object><privilegeId>System.View</privilegeId></NotAuthenticatedFault></detail></Fault>"#;
        assert!(is_signed_out(&parse(text).unwrap()));
        assert!(!is_signed_out(&parse(FAULTS[2].0).unwrap()));
    }
}

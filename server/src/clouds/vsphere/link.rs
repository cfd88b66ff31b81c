//! One vCenter's SOAP: signs in, signs in again when the session is over, asks, and tells errors apart.

use super::{
    fault,
    fields::Config,
    xml::{self, Node, escaped, tag},
};
use crate::clouds::{
    error::{Error, Kind, Result},
    http::{self, Meter, tls},
};
use reqwest::{Client, Response, StatusCode, header};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// The oldest dialect that has all that is asked for here; newer servers speak it, too.
const VERSION: &str = "urn:vim25/6.5";
const COOKIE: &str = "vmware_soap_session";

const OVER: &str = "The session ended.";

/// What belonged to a session went with it; the same in a new one may succeed.
pub fn over() -> Error {
    Error::transient(OVER)
}

pub fn is_over(error: &Error) -> bool {
    error.kind == Kind::Transient && error.message == OVER
}

/// A managed object: its type and the id that the server gave it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ref {
    pub kind: String,
    pub id: String,
}

impl Ref {
    pub fn new(kind: &str, id: &str) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }
    pub fn machine(id: &str) -> Self {
        Self::new("VirtualMachine", id)
    }
    pub fn of(node: &Node) -> Self {
        Self::new(&node.kind, &node.text)
    }
    /// `<name type="…">id</name>`.
    pub fn xml(&self, name: &str) -> String {
        format!("<{name} type=\"{}\">{}</{name}>", escaped(&self.kind), escaped(&self.id))
    }
}

/// What a server says of itself, and what belongs to one sign-in.
pub struct Session {
    cookie: String,
    pub user: String,
    content: Node,
    /// The view of all machines, made when it is first needed.
    pub machines: OnceCell<Ref>,
    /// The view of everything else that is looked at.
    pub places: OnceCell<Ref>,
}

impl Session {
    /// One of the server's own services: `propertyCollector`.
    ///
    /// # Errors
    /// `Unsupported`: an ESXi host lacks some.
    pub fn service(&self, name: &str) -> Result<Ref> {
        let missing = || Error::new(Kind::Unsupported, format!("This server has no {name}: it is an ESXi host, not a vCenter."));
        self.content.child(name).map(Ref::of).ok_or_else(missing)
    }
    pub fn about(&self, key: &str) -> &str {
        self.content.child("about").and_then(|about| about.get(key)).unwrap_or_default()
    }
    pub fn is_vcenter(&self) -> bool {
        self.about("apiType") == "VirtualCenter"
    }
}

pub struct Link {
    pub config: Config,
    pub http: Client,
    pub meter: Meter,
    session: tokio::sync::Mutex<Option<Arc<Session>>>,
    fingerprint: Mutex<Option<String>>,
    vcenter: Mutex<Option<bool>>,
}

impl Link {
    /// # Errors
    /// A field that cannot be right.
    pub fn new(config: Config) -> Result<Self> {
        let http = tls::client(config.ca.as_deref(), config.fingerprint.as_deref())?;
        Ok(Self {
            config,
            http,
            meter: Meter::default(),
            session: tokio::sync::Mutex::default(),
            fingerprint: Mutex::default(),
            vcenter: Mutex::default(),
        })
    }

    /// The certificate that the server showed last.
    pub fn fingerprint(&self) -> Option<String> {
        self.fingerprint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// As seen at the last sign-in; `None`: not yet.
    pub fn is_vcenter(&self) -> Option<bool> {
        *self.vcenter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn forget(&self) {
        *self.session.lock().await = None;
    }

    /// Ends the session at the server, too: a vCenter has room for some hundreds.
    pub async fn sign_out(&self) {
        let Some(session) = self.session.lock().await.take() else { return };
        if let Ok(manager) = session.service("sessionManager") {
            let _ = self.send(Some(&session), "Logout", &manager.xml("_this"), false).await;
        }
    }

    /// Signs in, unless that is done.
    ///
    /// # Errors
    /// `Auth`, `Identity`, or the connection's.
    pub async fn session(&self) -> Result<Arc<Session>> {
        let mut known = self.session.lock().await;
        if let Some(session) = &*known {
            return Ok(session.clone());
        }
        let session = match self.sign_in().await {
            Ok(session) => Arc::new(session),
            // So that an administrator can compare it.
            Err(error) if error.kind == Kind::Identity => {
                return Err(Error { seen: tls::shown(&self.config.base).await, ..error });
            }
            Err(error) => return Err(error),
        };
        *self.vcenter.lock().unwrap_or_else(PoisonError::into_inner) = Some(session.is_vcenter());
        *known = Some(session.clone());
        Ok(session)
    }

    async fn sign_in(&self) -> Result<Session> {
        let root = Ref::new("ServiceInstance", "ServiceInstance");
        let (answer, text) = self.send(None, "RetrieveServiceContent", &root.xml("_this"), false).await?;
        *self.fingerprint.lock().unwrap_or_else(PoisonError::into_inner) = tls::fingerprint(&answer);
        let content = value(self.read("Signing in", false, answer.status(), &text)?);
        let mut session =
            Session { cookie: String::new(), user: String::new(), content, machines: OnceCell::new(), places: OnceCell::new() };
        let manager = session.service("sessionManager").map_err(|_| not_vsphere(&self.config.base))?;
        let body = format!("{}{}{}", manager.xml("_this"), tag("userName", &self.config.user), tag("password", &self.config.password));
        // A session more does no harm: not a change.
        let (answer, text) = self.send(None, "Login", &body, false).await?;
        let cookie = cookie(&answer);
        let user = value(self.read("Signing in", false, answer.status(), &text)?);
        session.user = user.get("userName").unwrap_or(&self.config.user).to_owned();
        session.cookie = cookie.ok_or_else(|| not_vsphere(&self.config.base))?;
        Ok(session)
    }

    /// A question. Its `returnval`; empty where there is none.
    ///
    /// # Errors
    /// By kind.
    pub async fn ask(&self, method: &str, this: &Ref, args: &str) -> Result<Node> {
        Ok(value(xml::parse(&self.call(method, this, args, false).await?)?))
    }

    /// A change.
    ///
    /// # Errors
    /// By kind; `Unknown` when it was sent and not answered.
    pub async fn change(&self, method: &str, this: &Ref, args: &str) -> Result<Node> {
        Ok(value(xml::parse(&self.call(method, this, args, true).await?)?))
    }

    /// The answer as it came. With a session that is over it signs in once more.
    ///
    /// # Errors
    /// By kind.
    pub async fn call(&self, method: &str, this: &Ref, args: &str, changes: bool) -> Result<String> {
        let session = self.session().await?;
        match self.within(&session, method, this, args, changes).await? {
            Some(text) => return Ok(text),
            None => self.over(&session).await,
        }
        let session = self.session().await?;
        let refused = || Error::new(Kind::Auth, format!("{}: the session was refused twice.", label(method)));
        self.within(&session, method, this, args, changes).await?.ok_or_else(refused)
    }

    /// In this session and no other, for what belongs to it: views, filters. `None`: the session is over.
    ///
    /// # Errors
    /// By kind.
    pub async fn within(&self, session: &Session, method: &str, this: &Ref, args: &str, changes: bool) -> Result<Option<String>> {
        let (answer, text) = self.send(Some(session), method, &format!("{}{args}", this.xml("_this")), changes).await?;
        if answer.status().is_success() {
            return Ok(Some(text));
        }
        let tree = xml::parse(&text).ok();
        if tree.as_ref().and_then(|tree| tree.at("Body/Fault")).is_some_and(fault::is_signed_out) {
            return Ok(None);
        }
        self.read(&label(method), changes, answer.status(), &text).map(|_| None)
    }

    /// It is over; another one may have been begun meanwhile.
    pub async fn over(&self, session: &Arc<Session>) {
        let mut known = self.session.lock().await;
        if known.as_ref().is_some_and(|now| Arc::ptr_eq(now, session)) {
            *known = None;
        }
    }

    async fn send(&self, session: Option<&Session>, method: &str, inner: &str, changes: bool) -> Result<(Answer, String)> {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"><e:Body>\
             <{method} xmlns=\"urn:vim25\">{inner}</{method}></e:Body></e:Envelope>"
        );
        let mut request = self.http.post(format!("{}/sdk", self.config.base)).header(header::CONTENT_TYPE, "text/xml; charset=utf-8");
        request = request.header("SOAPAction", VERSION);
        if let Some(session) = session {
            request = request.header(header::COOKIE, &session.cookie);
        }
        self.meter.count("soap", method);
        let unanswered = |error: reqwest::Error| http::unanswered(&label(method), changes, &error);
        let mut answer = request.body(body).send().await.map_err(unanswered)?;
        let mut text = Vec::with_capacity(usize::try_from(answer.content_length().unwrap_or_default()).unwrap_or_default());
        while let Some(part) = answer.chunk().await.map_err(unanswered)? {
            text.extend_from_slice(&part);
        }
        let text = String::from_utf8(text).map_err(|_| Error::permanent(format!("{}: the answer is no text.", label(method))))?;
        Ok((answer, text))
    }

    fn read(&self, what: &str, changes: bool, status: StatusCode, text: &str) -> Result<Node> {
        let tree = xml::parse(text).map_err(|_| not_soap(what, changes, status, &self.config.base))?;
        match tree.at("Body/Fault") {
            Some(fault) => Err(fault::of_soap(what, changes, fault)),
            None if status.is_success() => Ok(tree),
            None => Err(not_soap(what, changes, status, &self.config.base)),
        }
    }

    /// A file that the server keeps or takes, with the session's rights.
    ///
    /// # Errors
    /// The sign-in's.
    pub async fn cookie(&self) -> Result<String> {
        Ok(self.session().await?.cookie.clone())
    }
}

type Answer = Response;

/// `Envelope/Body/XResponse/returnval`.
fn value(mut tree: Node) -> Node {
    for _ in 0..2 {
        tree = if tree.children.is_empty() { Node::default() } else { tree.children.swap_remove(0) };
    }
    let at = tree.children.iter().position(|one| one.name == "returnval");
    // Several of them are a list, which the caller walks itself.
    if tree.children.len() > 1 { tree } else { at.map(|at| tree.children.swap_remove(at)).unwrap_or_default() }
}

fn cookie(answer: &Response) -> Option<String> {
    let all = answer.headers().get_all(header::SET_COOKIE);
    let own = all.iter().filter_map(|one| one.to_str().ok()).find(|one| one.starts_with(COOKIE))?;
    own.split(';').next().map(str::to_owned)
}

/// People read it: `PowerOnVM_Task` → `PowerOnVM`.
fn label(method: &str) -> String {
    method.trim_end_matches("_Task").to_owned()
}

fn not_vsphere(base: &str) -> Error {
    Error::permanent(format!("{base}: this is no vCenter and no ESXi host."))
}

/// Something in between answered, or something else altogether.
fn not_soap(what: &str, changes: bool, status: StatusCode, base: &str) -> Error {
    let kind = match status.as_u16() {
        401 | 403 => Kind::Auth,
        // A vCenter that starts up or is overloaded.
        500..=599 if changes => Kind::Unknown,
        408 | 429 | 500..=599 => Kind::Transient,
        _ => Kind::Permanent,
    };
    Error::new(kind, format!("{what}: {base}/sdk answered with status {status} and no SOAP."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_unwrapped() {
        let one = xml::parse("<E><Body><XResponse><returnval type=\"Task\">task-1</returnval></XResponse></Body></E>").unwrap();
        assert_eq!(Ref::of(&value(one)), Ref::new("Task", "task-1"));
        let none = xml::parse("<E><Body><XResponse/></Body></E>").unwrap();
        assert_eq!(value(none), Node::default());
        let many = xml::parse("<E><Body><X><returnval>a</returnval><returnval>b</returnval></X></Body></E>").unwrap();
        assert_eq!(value(many).all("returnval").count(), 2);
    }

    #[test]
    fn a_gateway_in_between_is_no_refusal() {
        assert_eq!(not_soap("x", true, StatusCode::BAD_GATEWAY, "b").kind, Kind::Unknown);
        assert_eq!(not_soap("x", false, StatusCode::SERVICE_UNAVAILABLE, "b").kind, Kind::Transient);
        assert_eq!(not_soap("x", false, StatusCode::NOT_FOUND, "b").kind, Kind::Permanent);
    }
}

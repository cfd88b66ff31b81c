//! Properties of managed objects, one request for as many as there are.

use super::{
    fault,
    link::{self, Link, Ref, Session},
    xml::{self, Node, tag},
};
use crate::clouds::error::{Error, Kind, Result};

/// Parts of devices that nobody here looks at: half of what a machine's answer has.
const UNSEEN: &[&str] = &["deviceInfo", "slotInfo", "connectable", "shares", "storageIOAllocation", "resourceAllocation", "iofilter"];
/// Objects in one answer; a vCenter gives the rest by token.
const PAGE: u32 = 500;

/// One object with those of its properties that have a value.
#[derive(Clone, Debug)]
pub struct Object {
    pub id: Ref,
    props: Vec<(String, Node)>,
}

impl Object {
    /// `<objects><obj/><propSet><name/><val/></propSet></objects>`, or an update's `<changeSet>`.
    pub fn read(node: Node) -> Self {
        let id = node.child("obj").map(Ref::of).unwrap_or_else(|| Ref::new("", ""));
        let named = |mut one: Node| {
            let name = one.get("name")?.to_owned();
            let at = one.children.iter().position(|part| part.name == "val")?;
            Some((name, one.children.swap_remove(at)))
        };
        let sets = node.children.into_iter().filter(|one| matches!(one.name.as_str(), "propSet" | "changeSet"));
        Self { id, props: sets.filter_map(named).collect() }
    }

    pub fn prop(&self, name: &str) -> Option<&Node> {
        self.props.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
    pub fn get(&self, name: &str) -> Option<&str> {
        self.prop(name).map(|value| value.text.as_str()).filter(|text| !text.is_empty())
    }
    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "1"))
    }
    pub fn reference(&self, name: &str) -> Option<Ref> {
        self.prop(name).map(Ref::of).filter(|one| !one.id.is_empty())
    }
    /// The parts of an array property.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &Node> {
        self.prop(name).into_iter().flat_map(|value| value.children.iter())
    }
}

/// `(type, properties)`.
pub type Wanted<'a> = (&'a str, &'a [&'a str]);

/// Of which objects.
pub enum From<'a> {
    /// All machines.
    Machines(&'a [Wanted<'a>]),
    /// All that machines can be put on.
    Places(&'a [Wanted<'a>]),
    /// These.
    Objects(&'a [Ref], &'a [Wanted<'a>]),
}

impl From<'_> {
    async fn spec(&self, link: &Link, session: &Session) -> Result<String> {
        Ok(match self {
            Self::Machines(wanted) => of_view(&machines(link, session).await?, wanted),
            Self::Places(wanted) => of_view(&places(link, session).await?, wanted),
            Self::Objects(objects, wanted) => of_objects(objects, wanted),
        })
    }
}

fn prop_sets(wanted: &[Wanted<'_>]) -> String {
    let one = |(kind, paths): &Wanted<'_>| {
        let paths: String = paths.iter().map(|path| tag("pathSet", path)).collect();
        format!("<propSet>{}{paths}</propSet>", tag("type", kind))
    };
    wanted.iter().map(one).collect()
}

/// Everything that a view shows.
pub fn of_view(view: &Ref, wanted: &[Wanted<'_>]) -> String {
    let select = "<skip>true</skip><selectSet xsi:type=\"TraversalSpec\"><name>v</name><type>ContainerView</type><path>view</path><skip>false</skip></selectSet>";
    format!("{}<objectSet>{}{select}</objectSet>", prop_sets(wanted), view.xml("obj"))
}

pub fn of_objects(objects: &[Ref], wanted: &[Wanted<'_>]) -> String {
    let all: String = objects.iter().map(|one| format!("<objectSet>{}<skip>false</skip></objectSet>", one.xml("obj"))).collect();
    prop_sets(wanted) + &all
}

/// One page, each object handed to `each`; the token of the next.
///
/// # Errors
/// By kind; [`link::is_over`] when the session of the first page is.
pub async fn page(link: &Link, from: &From<'_>, token: Option<&str>, each: &mut (dyn FnMut(Object) + Send)) -> Result<Option<String>> {
    let answer = match token {
        Some(token) => following(link, token).await?,
        None => first(link, from).await?,
    };
    read_page(&answer, each)?;
    Ok(token_of(&answer).map(str::to_owned))
}

/// The first answer, for [`read_page`].
///
/// # Errors
/// By kind.
pub async fn first(link: &Link, from: &From<'_>) -> Result<String> {
    let ask = async || {
        asked(link, async |session: &Session| {
            let spec = from.spec(link, session).await?;
            let args = format!("<specSet>{spec}</specSet><options>{}</options>", tag("maxObjects", PAGE));
            Ok(("RetrievePropertiesEx", args))
        })
        .await
    };
    match ask().await {
        // It belongs to no session yet.
        Err(error) if link::is_over(&error) => ask().await,
        other => other,
    }
}

/// The answer after the one that had the token.
///
/// # Errors
/// By kind; [`link::is_over`] when the session of the first page is.
pub async fn following(link: &Link, token: &str) -> Result<String> {
    asked(link, async |_: &Session| Ok(("ContinueRetrievePropertiesEx", tag("token", token)))).await
}

async fn asked(link: &Link, question: impl AsyncFnOnce(&Session) -> Result<(&'static str, String)>) -> Result<String> {
    let session = link.session().await?;
    let answer = async {
        let (method, args) = question(&session).await?;
        let collector = session.service("propertyCollector")?;
        link.within(&session, method, &collector, &args, false).await?.ok_or_else(link::over)
    }
    .await;
    if answer.as_ref().is_err_and(link::is_over) {
        link.over(&session).await;
    }
    answer
}

/// The token of the page that follows, which an answer begins with: known before the page is read.
pub fn token_of(answer: &str) -> Option<&str> {
    let head = answer.split_once("<objects").map_or(answer, |(head, _)| head);
    Some(head.split_once("<token>")?.1.split_once('<')?.0)
}

/// # Errors
/// By kind.
pub fn read_page(answer: &str, each: &mut (dyn FnMut(Object) + Send)) -> Result<()> {
    let mut refused = None;
    xml::parse_each(answer, "objects", UNSEEN, &mut |node| {
        refused = refused.take().or_else(|| missing(&node));
        each(Object::read(node));
        Ok(())
    })?;
    refused.map_or(Ok(()), Err)
}

/// A property that may not be read is told of beside the others; one that was not asked well, too.
fn missing(node: &Node) -> Option<Error> {
    let of = |one: &Node| {
        let error = fault::of_task(&format!("Reading {}", one.get("path").unwrap_or_default()), one.child("fault")?);
        (error.kind == Kind::Auth).then_some(error)
    };
    node.all("missingSet").find_map(of)
}

/// All pages.
///
/// # Errors
/// By kind; `NotFound` when one of the objects named does not exist.
pub async fn all(link: &Link, from: &From<'_>) -> Result<Vec<Object>> {
    let mut found = vec![];
    let mut token = page(link, from, None, &mut |one| found.push(one)).await?;
    while let Some(next) = token {
        token = page(link, from, Some(&next), &mut |one| found.push(one)).await?;
    }
    Ok(found)
}

/// Properties of objects that are named: references outlive sessions.
///
/// # Errors
/// By kind; `NotFound` when one does not exist.
pub async fn of(link: &Link, objects: &[Ref], wanted: &[Wanted<'_>]) -> Result<Vec<Object>> {
    all(link, &From::Objects(objects, wanted)).await
}

/// # Errors
/// By kind; `NotFound`.
pub async fn one(link: &Link, object: &Ref, paths: &[&str]) -> Result<Object> {
    let found = of(link, std::slice::from_ref(object), &[(&object.kind, paths)]).await?;
    found.into_iter().next().ok_or_else(|| Error::not_found(format!("{} does not exist.", object.id)))
}

/// The view of all machines.
///
/// # Errors
/// By kind.
pub async fn machines(link: &Link, session: &Session) -> Result<Ref> {
    session.machines.get_or_try_init(|| view(link, session, &["VirtualMachine"])).await.cloned()
}

/// The view of what machines can be put on.
async fn places(link: &Link, session: &Session) -> Result<Ref> {
    let kinds =
        ["Datacenter", "ComputeResource", "HostSystem", "ResourcePool", "Folder", "Datastore", "Network", "DistributedVirtualSwitch"];
    session.places.get_or_try_init(|| view(link, session, &kinds)).await.cloned()
}

async fn view(link: &Link, session: &Session, kinds: &[&str]) -> Result<Ref> {
    let root = session.service("rootFolder")?;
    let kinds: String = kinds.iter().map(|kind| tag("type", kind)).collect();
    let args = format!("{}{kinds}<recursive>true</recursive>", root.xml("container"));
    let text = link.within(session, "CreateContainerView", &session.service("viewManager")?, &args, false).await?;
    let tree = xml::parse(&text.ok_or_else(link::over)?)?;
    let made = tree.at("Body/CreateContainerViewResponse/returnval").map(Ref::of);
    made.ok_or_else(|| Error::permanent("CreateContainerView: no view came back."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<e:Envelope><e:Body><RetrievePropertiesExResponse><returnval><token>5</token>
      <objects><obj type="VirtualMachine">vm-1</obj><propSet><name>name</name><val xsi:type="xsd:string">db1</val></propSet><propSet><name>config.template</name><val xsi:type="xsd:boolean">true</val></propSet></objects>
      <objects><obj type="VirtualMachine">vm-2</obj><propSet><name>runtime.host</name><val type="HostSystem">host-9</val></propSet></objects>
      </returnval></RetrievePropertiesExResponse></e:Body></e:Envelope>"#;

    #[test]
    fn a_page_is_read_and_the_next_one_known() {
        let mut seen = vec![];
        read_page(PAGE, &mut |one| seen.push(one)).unwrap();
        assert_eq!((token_of(PAGE), token_of(&PAGE.replace("<token>5</token>", ""))), (Some("5"), None));
        assert_eq!((seen[0].get("name"), seen[0].flag("config.template"), seen[0].get("x")), (Some("db1"), true, None));
        assert_eq!(seen[1].reference("runtime.host"), Some(Ref::new("HostSystem", "host-9")));
    }

    #[test]
    fn a_property_that_may_not_be_read_is_an_error_and_one_that_has_no_value_is_not() {
        let with = |fault: &str| {
            let set = format!(
                "<missingSet><path>config.uuid</path><fault><fault xsi:type=\"{fault}\"><object type=\"VirtualMachine\">vm-1</object><privilegeId>System.Read</privilegeId></fault></fault></missingSet></objects>"
            );
            read_page(&PAGE.replacen("</objects>", &set, 1), &mut |_| ())
        };
        let error = with("NoPermission").unwrap_err();
        assert!(error.kind == Kind::Auth && error.message.contains("System.Read is missing on vm-1"), "{error}");
        assert!(with("InvalidProperty").is_ok());
    }
}

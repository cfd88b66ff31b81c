//! Waiting for what takes its time: a filter on the one object, and the server answers when it changes.

use super::{
    fault,
    link::{self, Link, Ref, Session},
    props::{self, Object},
    xml::{self, Node, tag},
};
use crate::clouds::error::{Error, Result};
use std::sync::Arc;

/// The longest that one question is kept open, in seconds; then it is asked again.
pub const PATIENCE: u32 = 30;

/// Starts a task and waits for its end. Its result.
///
/// # Errors
/// By kind; `Unknown` when it was sent and not answered.
pub async fn run(link: &Link, method: &str, this: &Ref, args: &str) -> Result<Node> {
    let task = Ref::of(&link.change(method, this, args).await?);
    finish(link, method.trim_end_matches("_Task"), &task).await
}

async fn finish(link: &Link, what: &str, task: &Ref) -> Result<Node> {
    let done =
        until(link, task, &["info.state", "info.error", "info.result"], |seen| matches!(seen.get("info.state"), Some("success" | "error")));
    let seen = done.await?;
    if seen.get("info.state") == Some("error") {
        let why = seen.prop("info.error").cloned().unwrap_or_default();
        return Err(fault::of_task(what, &why));
    }
    Ok(seen.prop("info.result").cloned().unwrap_or_default())
}

/// Waits until the object is so. The caller's own time limit ends the wait.
///
/// # Errors
/// By kind.
pub async fn until(link: &Link, object: &Ref, paths: &[&str], so: impl Fn(&Object) -> bool) -> Result<Object> {
    // Most are done by now.
    let seen = props::one(link, object, paths).await?;
    if so(&seen) {
        return Ok(seen);
    }
    let watch = Watch::begin(link, &props::of_objects(std::slice::from_ref(object), &[(&object.kind, paths)])).await?;
    let mut version = String::new();
    let seen = loop {
        let news = watch.next(link, &version).await?;
        version = news.version;
        // What it says of the change is a part of the whole only.
        let seen = props::one(link, object, paths).await?;
        if so(&seen) {
            break seen;
        }
    };
    watch.end(link).await;
    Ok(seen)
}

/// A property collector of its own with one filter. It lives as long as its session.
pub struct Watch {
    pub session: Arc<Session>,
    collector: Ref,
}

/// What changed. An empty version: nothing did within [`PATIENCE`].
#[derive(Debug, Default)]
pub struct News {
    pub version: String,
    /// There is more right now.
    pub truncated: bool,
    pub changed: Vec<Object>,
    pub gone: Vec<Ref>,
}

impl Watch {
    /// # Errors
    /// By kind.
    pub async fn begin(link: &Link, spec: &str) -> Result<Self> {
        Self::begin_in(link, link.session().await?, spec).await
    }

    /// # Errors
    /// By kind.
    pub async fn begin_in(link: &Link, session: Arc<Session>, spec: &str) -> Result<Self> {
        let shared = session.service("propertyCollector")?;
        let made = within(link, &session, "CreatePropertyCollector", &shared, "").await?;
        let collector = made.at("returnval").map(Ref::of).ok_or_else(|| Error::permanent("CreatePropertyCollector: none came back."))?;
        let args = format!("<spec>{spec}</spec><partialUpdates>false</partialUpdates>");
        within(link, &session, "CreateFilter", &collector, &args).await?;
        Ok(Self { session, collector })
    }

    /// Everything at first (`version` empty), then what changed since `version`, as soon as something does.
    ///
    /// # Errors
    /// By kind; `Transient` with the session.
    pub async fn next(&self, link: &Link, version: &str) -> Result<News> {
        read(&self.ask(link, version).await?, version, &[])
    }

    /// The version of how everything is now, which is not looked at.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn baseline(&self, link: &Link) -> Result<String> {
        let mut version = String::new();
        loop {
            let answer = self.ask(link, &version).await?;
            let first = read(&answer, &version, &["objectSet"])?;
            version = first.version;
            if !first.truncated {
                return Ok(version);
            }
        }
    }

    async fn ask(&self, link: &Link, version: &str) -> Result<String> {
        let since = if version.is_empty() { String::new() } else { tag("version", version) };
        let args = format!("{since}<options>{}</options>", tag("maxWaitSeconds", PATIENCE));
        link.within(&self.session, "WaitForUpdatesEx", &self.collector, &args, false).await?.ok_or_else(link::over)
    }

    pub async fn end(self, link: &Link) {
        let _ = link.within(&self.session, "DestroyPropertyCollector", &self.collector, "", false).await;
    }
}

async fn within(link: &Link, session: &Arc<Session>, method: &str, this: &Ref, args: &str) -> Result<Node> {
    let Some(text) = link.within(session, method, this, args, false).await? else {
        link.over(session).await;
        return Err(link::over());
    };
    let mut tree = xml::parse(&text)?;
    for _ in 0..2 {
        tree = if tree.children.is_empty() { Node::default() } else { tree.children.swap_remove(0) };
    }
    Ok(tree)
}

fn read(text: &str, version: &str, unseen: &[&str]) -> Result<News> {
    let mut news = News::default();
    let tree = xml::parse_each(text, "objectSet", unseen, &mut |node| {
        if node.get("kind") == Some("leave") {
            news.gone.extend(node.child("obj").map(Ref::of));
        } else {
            news.changed.push(Object::read(node));
        }
        Ok(())
    })?;
    let value = tree.at("Body/WaitForUpdatesExResponse/returnval");
    news.version = value.and_then(|value| value.get("version")).unwrap_or(version).to_owned();
    news.truncated = value.is_some_and(|value| value.flag("truncated"));
    Ok(news)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_read_and_silence_is_no_news() {
        let text = r#"<E><Body><WaitForUpdatesExResponse><returnval><version>7</version><filterSet><filter type="PropertyFilter">f</filter>
          <objectSet><kind>modify</kind><obj type="VirtualMachine">vm-1</obj><changeSet><name>runtime.powerState</name><op>assign</op><val>poweredOn</val></changeSet></objectSet>
          <objectSet><kind>leave</kind><obj type="VirtualMachine">vm-2</obj></objectSet></filterSet><truncated>true</truncated></returnval></WaitForUpdatesExResponse></Body></E>"#;
        let news = read(text, "6", &[]).unwrap();
        assert_eq!((news.version.as_str(), news.truncated, news.gone), ("7", true, vec![Ref::machine("vm-2")]));
        assert_eq!(news.changed[0].get("runtime.powerState"), Some("poweredOn"));
        let unseen = read(text, "6", &["objectSet"]).unwrap();
        assert!(unseen.version == "7" && unseen.truncated && unseen.changed.is_empty() && unseen.gone.is_empty());
        let silent = read("<E><Body><WaitForUpdatesExResponse/></Body></E>", "7", &[]).unwrap();
        assert!(silent.version == "7" && silent.changed.is_empty() && silent.gone.is_empty());
    }
}

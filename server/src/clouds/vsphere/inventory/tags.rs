//! Tags of vCenter's tagging service, which is not a part of SOAP: its REST interface, in a session of its own.
//!
//! A tag is shown as `category:name`. They are read with each full look; the service tells nobody of changes. Where it cannot be
//! asked (an ESXi host, no right to read tags), machines have none and everything else goes on.

use super::super::link::Link;
use crate::clouds::{
    error::{Error, Result},
    http,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const REST: &str = "/rest/com/vmware/cis";

#[derive(Deserialize)]
struct Answer<T> {
    value: T,
}
#[derive(Deserialize)]
struct Tag {
    name: String,
    category_id: String,
}
#[derive(Deserialize)]
struct Category {
    name: String,
}
#[derive(Deserialize)]
struct Attached {
    tag_id: String,
    object_ids: Vec<Object>,
}
#[derive(Deserialize)]
struct Object {
    id: String,
    #[serde(rename = "type")]
    kind: String,
}

/// By the id of the machine, sorted.
///
/// # Errors
/// Never for what the service refuses; the connection's.
pub async fn all(link: &Link) -> Result<BTreeMap<String, Vec<String>>> {
    if !link.session().await?.is_vcenter() {
        return Ok(BTreeMap::new());
    }
    match Rest::begin(link).await {
        Ok(rest) => {
            let found = rest.machines().await;
            rest.end().await;
            found.or_else(|error| quiet(&error))
        }
        Err(error) => quiet(&error),
    }
}

fn quiet(error: &Error) -> Result<BTreeMap<String, Vec<String>>> {
    tracing::debug!(%error, "tags are not read");
    Ok(BTreeMap::new())
}

struct Rest<'a> {
    link: &'a Link,
    session: String,
}

impl<'a> Rest<'a> {
    async fn begin(link: &'a Link) -> Result<Self> {
        let request =
            link.http.post(format!("{}{REST}/session", link.config.base)).basic_auth(&link.config.user, Some(&link.config.password));
        let answer: Answer<String> = read("Signing in for tags", request).await?;
        Ok(Self { link, session: answer.value })
    }

    async fn end(&self) {
        let _ = self.request(reqwest::Method::DELETE, "/session").send().await;
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.link.http.request(method, format!("{}{REST}{path}", self.link.config.base)).header("vmware-api-session-id", &self.session)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        Ok(read::<Answer<T>>("Reading tags", self.request(reqwest::Method::GET, path)).await?.value)
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        Ok(read::<Answer<T>>("Reading tags", self.request(reqwest::Method::POST, path).json(body)).await?.value)
    }

    async fn machines(&self) -> Result<BTreeMap<String, Vec<String>>> {
        let ids: Vec<String> = self.get("/tagging/tag").await?;
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let (mut categories, mut names) = (BTreeMap::new(), BTreeMap::new());
        for id in &ids {
            let tag: Tag = self.get(&format!("/tagging/tag/id:{id}")).await?;
            if !categories.contains_key(&tag.category_id) {
                let category: Category = self.get(&format!("/tagging/category/id:{}", tag.category_id)).await?;
                categories.insert(tag.category_id.clone(), category.name);
            }
            let category = categories.get(&tag.category_id).map(String::as_str).unwrap_or_default();
            names.insert(id.clone(), format!("{category}:{}", tag.name));
        }
        let path = "/tagging/tag-association?~action=list-attached-objects-on-tags";
        let attached: Vec<Attached> = self.post(path, &json!({ "tag_ids": ids })).await?;
        Ok(by_machine(&names, attached))
    }
}

fn by_machine(names: &BTreeMap<String, String>, attached: Vec<Attached>) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in attached {
        let Some(name) = names.get(&one.tag_id) else { continue };
        for object in one.object_ids.into_iter().filter(|object| object.kind == "VirtualMachine") {
            all.entry(object.id).or_default().push(name.clone());
        }
    }
    all.values_mut().for_each(|tags| tags.sort_unstable());
    all
}

async fn read<T: DeserializeOwned>(what: &str, request: reqwest::RequestBuilder) -> Result<T> {
    let answer = request.send().await.map_err(|error| http::unanswered(what, false, &error))?;
    let status = answer.status();
    if !status.is_success() {
        return Err(Error::permanent(format!("{what}: status {status}")));
    }
    answer.json().await.map_err(|error| Error::permanent(format!("{what}: the answer cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_sorted_by_machine() {
        let names = [("t1".to_owned(), "tier:db".to_owned()), ("t2".to_owned(), "env:prod".to_owned())].into();
        let body = r#"[{"tag_id":"t1","object_ids":[{"id":"vm-1","type":"VirtualMachine"},{"id":"host-1","type":"HostSystem"}]},{"tag_id":"t2","object_ids":[{"id":"vm-1","type":"VirtualMachine"}]},{"tag_id":"gone","object_ids":[{"id":"vm-2","type":"VirtualMachine"}]}]"#;
        let all = by_machine(&names, serde_json::from_str(body).unwrap());
        assert_eq!(all, [("vm-1".to_owned(), vec!["env:prod".to_owned(), "tier:db".to_owned()])].into());
    }
}

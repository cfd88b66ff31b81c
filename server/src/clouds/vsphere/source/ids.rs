//! What the tracker called the instants of our points: kept in the machine's configuration under one key. Pure.

use super::super::{
    props::Object,
    xml::{escaped, tag},
};
use crate::clouds::PointRef;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const KEY: &str = "crossfade.points";

/// By the point's token, then by the disk's device key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids(pub BTreeMap<String, BTreeMap<i32, String>>);

impl Ids {
    /// From `config.extraConfig`; what cannot be read is none, and the next point a full one.
    pub fn read(machine: &Object) -> Self {
        let entry = machine.list("config.extraConfig").find(|one| one.get("key") == Some(KEY));
        entry.and_then(|one| serde_json::from_str(one.get("value")?).ok()).unwrap_or_default()
    }

    /// Those to keep.
    pub fn only(&self, keep: &[PointRef]) -> Self {
        Self(self.0.iter().filter(|(key, _)| keep.iter().any(|point| point.0 == **key)).map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    /// For `ReconfigVM`; an empty value removes the key.
    pub fn spec(&self) -> String {
        let text = if self.0.is_empty() { String::new() } else { serde_json::to_string(self).unwrap_or_default() };
        format!("<spec><extraConfig>{}<value xsi:type=\"xsd:string\">{}</value></extraConfig></spec>", tag("key", KEY), escaped(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::xml::parse, *};

    #[test]
    fn ids_survive_the_way_there_and_back() {
        let ids = Ids([("t1".to_owned(), [(2000, "52 de/7".to_owned())].into()), ("t2".to_owned(), BTreeMap::new())].into());
        let spec = ids.spec();
        let entry = spec.trim_start_matches("<spec>").trim_end_matches("</spec>").replace("xsi:type=\"xsd:string\"", "");
        let text = format!("<o><obj type='VirtualMachine'>v</obj><propSet><name>config.extraConfig</name><val>{entry}</val></propSet></o>");
        assert_eq!(Ids::read(&Object::read(parse(&text).unwrap())), ids);
        assert_eq!(ids.only(&[PointRef("t1".into())]).0.len(), 1);
        assert!(ids.only(&[]).spec().contains("></value>"));
    }
}

//! SOAP's XML: answers as small trees, requests as text. Nothing of vSphere's meaning is known here.
//!
//! Large answers are lists of equal things, so the reader can hand over each as soon as it is whole and forget it.

use crate::clouds::error::{Error, Result};
use compact_str::CompactString;
use quick_xml::{
    Reader, escape,
    events::{BytesStart, Event},
};
use std::str::FromStr;

/// An element without its namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    pub name: CompactString,
    /// `xsi:type`, or the `type` of a reference.
    pub kind: CompactString,
    pub text: CompactString,
    pub children: Vec<Node>,
}

impl Node {
    pub fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|one| one.name == name)
    }

    /// Down a path of names: `backing/port/portgroupKey`.
    pub fn at(&self, path: &str) -> Option<&Node> {
        path.split('/').try_fold(self, |node, name| node.child(name))
    }

    /// The text there; an empty one is none.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.at(path).map(|one| one.text.as_str()).filter(|text| !text.is_empty())
    }

    pub fn number<T: FromStr>(&self, path: &str) -> Option<T> {
        self.get(path)?.parse().ok()
    }

    pub fn flag(&self, path: &str) -> bool {
        matches!(self.get(path), Some("true" | "1"))
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |one| one.name == name)
    }
}

/// # Errors
/// `Permanent`: it is not XML, as when something else answers at that address.
pub fn parse(text: &str) -> Result<Node> {
    parse_each(text, "", &[], &mut |_| Ok(()))
}

/// Hands each element `name` to `each` and leaves it out of the tree. Elements named in `skip` are not looked into.
///
/// # Errors
/// `Permanent`: it is not XML. Else what `each` said.
pub fn parse_each(text: &str, name: &str, skip: &[&str], each: &mut dyn FnMut(Node) -> Result<()>) -> Result<Node> {
    let broken = |why: &dyn std::fmt::Display| Error::permanent(format!("The answer cannot be read: {why}"));
    let mut reader = Reader::from_str(text);
    let mut open = vec![Node::default()];
    loop {
        match reader.read_event().map_err(|error| broken(&error))? {
            Event::Start(tag) if skip.contains(&tag.local_name().into_inner()) => {
                reader.read_to_end(tag.name()).map_err(|error| broken(&error))?;
            }
            Event::Start(tag) => open.push(begun(&tag)),
            Event::Empty(tag) => close(&mut open, begun(&tag), name, each)?,
            Event::End(_) => {
                let node = open.pop().unwrap_or_default();
                close(&mut open, node, name, each)?;
            }
            Event::Text(words) => add(&mut open, &words.xml10_content()),
            Event::CData(words) => add(&mut open, &words.xml10_content()),
            Event::GeneralRef(reference) => {
                let code = reference.resolve_char_ref().map_err(|error| broken(&error))?;
                match (code, escape::resolve_predefined_entity(&reference.xml10_content())) {
                    (Some(letter), _) => add(&mut open, letter.encode_utf8(&mut [0; 4])),
                    (None, Some(letter)) => add(&mut open, letter),
                    (None, None) => return Err(broken(&"it has an unknown entity")),
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(mut root), true) if root.children.len() == 1 => Ok(root.children.remove(0)),
        _ => Err(broken(&"it ends early or is no XML")),
    }
}

fn begun(tag: &BytesStart<'_>) -> Node {
    let mut node = Node { name: tag.local_name().into_inner().into(), ..Node::default() };
    for one in tag.attributes().with_checks(false).flatten() {
        let key = one.key.local_name();
        if key.into_inner() == "type" {
            // Without a prefix: `xsd:string` is `string`.
            node.kind = one.value.rsplit(':').next().unwrap_or_default().into();
        }
    }
    node
}

fn close(open: &mut [Node], mut node: Node, name: &str, each: &mut dyn FnMut(Node) -> Result<()>) -> Result<()> {
    if !node.children.is_empty() {
        // Line breaks between elements.
        node.text = CompactString::default();
    }
    if !name.is_empty() && node.name == name {
        return each(node);
    }
    if let Some(parent) = open.last_mut() {
        parent.children.push(node);
    }
    Ok(())
}

fn add(open: &mut [Node], words: &str) {
    if let Some(node) = open.last_mut() {
        node.text.push_str(words);
    }
}

pub fn escaped(text: &str) -> String {
    // What XML 1.0 cannot say at all is left out.
    let plain: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t' | '\r')).collect();
    escape::escape(&plain).into_owned()
}

/// `<name>text</name>`.
pub fn tag(name: &str, text: impl std::fmt::Display) -> String {
    format!("<{name}>{}</{name}>", escaped(&text.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_read_and_walked() {
        let text = "<?xml version=\"1.0\"?>\n<e:Envelope xmlns:e='x'><e:Body>\n <r><obj type=\"VirtualMachine\">vm-1</obj><name>a &amp; b&#65;</name><on>true</on><n>7</n><empty/></r></e:Body></e:Envelope>";
        let tree = parse(text).unwrap();
        let r = tree.at("Body/r").unwrap();
        assert_eq!((r.get("name"), r.number::<u32>("n"), r.flag("on"), r.get("empty")), (Some("a & bA"), Some(7), true, None));
        assert_eq!(r.child("obj").map(|o| (o.kind.as_str(), o.text.as_str())), Some(("VirtualMachine", "vm-1")));
    }

    #[test]
    fn large_lists_are_handed_over_one_by_one() {
        let mut seen = vec![];
        let text = "<r><o><n>1</n><s><n>no</n></s></o><token>t</token><o><n>2</n></o></r>";
        let rest = parse_each(text, "o", &["s"], &mut |node| {
            assert!(node.child("s").is_none());
            seen.push(node.get("n").unwrap().to_owned());
            Ok(())
        });
        assert_eq!(seen, ["1", "2"]);
        assert_eq!(rest.unwrap().get("token"), Some("t"));
    }

    #[test]
    fn what_is_no_xml_is_refused() {
        for text in ["", "hello", "<a><b></a>", "<a>", "{\"a\":1}"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(tag("a", "x<y\u{1}&"), "<a>x&lt;y&amp;</a>");
    }
}

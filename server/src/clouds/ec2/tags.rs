//! What Crossfade writes onto instances, volumes, snapshots and images, so that it finds them again. Pure.

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use sha2::{Digest, Sha256};

/// The longest value that a tag may have, in characters.
pub const LONGEST: usize = 256;

pub const NAME: &str = "Name";
/// What a thing is to Crossfade: a [`kind`].
pub const KIND: &str = "crossfade:kind";
pub const TOKEN: &str = "crossfade:token";
pub const LINEAGE: &str = "crossfade:lineage";
/// Which disk of the machine, by its key.
pub const DISK: &str = "crossfade:disk";
/// How many disks its point has.
pub const DISKS: &str = "crossfade:disks";
/// Bytes of the disk, exactly: volumes are whole GiB.
pub const BYTES: &str = "crossfade:bytes";
/// The point is whole: all of its snapshots were completed.
pub const COMPLETE: &str = "crossfade:complete";
/// The instance that a volume or a snapshot belongs to.
pub const MACHINE: &str = "crossfade:machine";
/// It is not a machine yet.
pub const BUILDING: &str = "crossfade:building";
/// The volume goes with the instance that is named.
pub const GONE: &str = "crossfade:gone";
/// The volume goes to the instance that takes the place of another, by the token, and under which device name.
pub const ASIDE: &str = "crossfade:aside";
pub const DEVICE: &str = "crossfade:device";
/// Why it cannot be started, and the root volume that was taken from it: `vol-1 /dev/xvda keep`.
pub const LOCK: &str = "crossfade:lock";
pub const ROOT: &str = "crossfade:root";
/// Of a snapshot that is a point at the source: `waiting`, `reading`, `kept`.
pub const STATE: &str = "crossfade:state";
/// How the machine was when it was taken: off or on, and since when.
pub const SEEN: &str = "crossfade:seen";
pub const TITLE: &str = "crossfade:title";
/// Type that was chosen for it.
pub const TYPE: &str = "crossfade:type";

pub mod kind {
    pub const POINT: &str = "point";
    pub const SOURCE: &str = "source";
    pub const MACHINE: &str = "machine";
    pub const DEFINITION: &str = "definition";
    pub const PLACEHOLDER: &str = "placeholder";
}

pub fn get<'a>(tags: &'a [Tag], key: &str) -> Option<&'a str> {
    tags.iter().find(|tag| tag.key() == Some(key)).and_then(Tag::value)
}

pub fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(short(value)).build()
}

/// A value that a tag can hold; a longer one ends in its hash.
pub fn short(value: &str) -> String {
    if value.chars().count() <= LONGEST {
        return value.to_owned();
    }
    let head: String = value.chars().take(LONGEST - 33).collect();
    format!("{head}~{}", hash(value))
}

/// 32 characters, as client tokens may have.
pub fn hash(text: &str) -> String {
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

pub fn all(pairs: &[(&str, &str)]) -> Vec<Tag> {
    pairs.iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| tag(key, value)).collect()
}

pub fn at_birth(what: ResourceType, tags: &[Tag]) -> TagSpecification {
    TagSpecification::builder().resource_type(what).set_tags(Some(tags.to_vec())).build()
}

pub fn filter(name: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().map(Into::into).collect())).build()
}

/// By a tag of ours. Wildcards in the value mean themselves.
pub fn having(key: &str, value: &str) -> Filter {
    let plain: String = short(value).chars().flat_map(|c| if matches!(c, '*' | '?' | '\\') { vec!['\\', c] } else { vec![c] }).collect();
    filter(&format!("tag:{key}"), [plain])
}

/// Those of people: without ours, the name, and what Amazon's own services write.
pub fn of_people(tags: &[Tag]) -> Vec<String> {
    let own = |key: &str| key == NAME || key.starts_with("crossfade:") || key.starts_with("aws:");
    let pairs = tags.iter().filter_map(|tag| Some((tag.key()?, tag.value().unwrap_or_default()))).filter(|(key, _)| !own(key));
    let mut all: Vec<String> = pairs.map(|(key, value)| if value.is_empty() { key.to_owned() } else { format!("{key}={value}") }).collect();
    all.sort();
    all
}

/// Back from `key=value` or a plain word. An instance may have 50 tags; ten are ours.
pub fn from_words(words: &[String]) -> Vec<Tag> {
    let pair = |word: &String| word.split_once('=').map_or((word.clone(), String::new()), |(k, v)| (k.to_owned(), v.to_owned()));
    let mut seen = std::collections::BTreeSet::new();
    let pairs = words.iter().map(pair).filter(|(key, _)| !key.is_empty() && !key.starts_with("aws:") && key.chars().count() <= 128);
    pairs.filter(|(key, _)| seen.insert(key.clone())).take(40).map(|(key, value)| tag(&key, &value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut_and_stays_its_own() {
        let (a, b) = ("x".repeat(400) + "a", "x".repeat(400) + "b");
        assert_eq!((short("abc"), short(&a).chars().count()), ("abc".into(), LONGEST));
        assert_ne!(short(&a), short(&b));
        assert_eq!(having(TOKEN, "a*b").values(), ["a\\*b"]);
    }

    #[test]
    fn tags_of_people_go_there_and_back() {
        let tags = all(&[("tier", "db"), (NAME, "db1"), (TOKEN, "t"), ("aws:autoscaling:groupName", "x")]);
        assert_eq!(of_people(&tags), ["tier=db"]);
        let words: Vec<String> = ["prod", "tier=db", "tier=web", "aws:x=y"].map(str::to_owned).into();
        let back = from_words(&words);
        assert_eq!(of_people(&back), ["prod", "tier=db"], "a key is there once");
    }
}

//! What a search for text looks at, in small letters and in one piece of memory: 50,000 of them are read through within
//! a few milliseconds.

use std::sync::Arc;

/// Name, addresses and tags of a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Words {
    all: Arc<str>,
    name_ends: usize,
    addresses_end: usize,
}

/// In front of each address and each tag. What somebody searches for has no such letter.
const BREAK: char = '\n';

impl Words {
    pub fn new(name: &str, addresses: &[String], tags: &[String]) -> Self {
        let mut all = name.to_lowercase();
        let name_ends = all.len();
        let add = |all: &mut String, words: &[String]| {
            for word in words {
                all.push(BREAK);
                all.push_str(&word.to_lowercase());
            }
        };
        add(&mut all, addresses);
        let addresses_end = all.len();
        add(&mut all, tags);
        Self { all: all.into(), name_ends, addresses_end }
    }

    pub fn all(&self) -> &str {
        &self.all
    }
    pub fn name(&self) -> &str {
        &self.all[..self.name_ends]
    }
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.all[self.name_ends..self.addresses_end].split(BREAK).skip(1)
    }
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.all[self.addresses_end..].split(BREAK).skip(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_come_out_again() {
        let list = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let words = Words::new("Web-1", &list(&["10.0.0.1", "FE80::1"]), &list(&["Prod", "tier=web"]));
        assert_eq!(words.name(), "web-1");
        assert_eq!(words.addresses().collect::<Vec<_>>(), ["10.0.0.1", "fe80::1"]);
        assert_eq!(words.tags().collect::<Vec<_>>(), ["prod", "tier=web"]);
        let none = Words::new("", &[], &[]);
        assert_eq!((none.name(), none.addresses().count(), none.tags().count()), ("", 0, 0));
        assert_eq!(Words::new("a", &[], &list(&["b"])).addresses().count(), 0);
    }
}

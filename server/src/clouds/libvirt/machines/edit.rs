//! Changing an XML text at the places of its nodes, leaving everything else as it was written.

use roxmltree::Node;
use std::ops::Range;

#[derive(Default)]
pub struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    pub fn cut(&mut self, node: Node<'_, '_>) {
        self.0.push((node.range(), String::new()));
    }

    pub fn replace(&mut self, node: Node<'_, '_>, text: impl Into<String>) {
        self.0.push((node.range(), text.into()));
    }

    pub fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.0.push((at..at, text.into()));
    }

    /// Back to front, so that positions stay true.
    pub fn apply(mut self, xml: &str) -> String {
        let mut out = xml.to_owned();
        self.0.sort_by_key(|(range, _)| std::cmp::Reverse((range.start, range.end)));
        for (range, text) in self.0 {
            out.replace_range(range, &text);
        }
        out
    }
}

//! The chunks between the splitter and the site: parts with the splitter's names, then files with hashes in theirs.
//! A debug build has none.

use crate::{assets, paths};
use anyhow::{Context, Result};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::PathBuf,
};

/// What was published.
#[derive(Default)]
pub struct Chunks {
    /// Name without `.wasm`, as the loader knows it, and the final one.
    names: BTreeMap<String, String>,
    /// Group of pages → the final names of all that it needs besides the main part.
    needed: BTreeMap<String, Vec<String>>,
}

fn folder() -> PathBuf {
    paths::parts().join("chunks")
}

pub fn forget() -> Result<()> {
    if folder().exists() {
        fs::remove_dir_all(folder())?;
    }
    Ok(())
}

pub fn write(name: &str, bytes: &[u8]) -> Result<()> {
    fs::create_dir_all(folder())?;
    fs::write(folder().join(format!("{name}.wasm")), bytes).with_context(|| format!("{name} could not be written"))
}

/// One line for each group: its name, then those of its chunks.
pub fn write_list(needed: &HashMap<String, Vec<String>>) -> Result<()> {
    let lines: BTreeMap<&String, String> = needed.iter().map(|(group, names)| (group, format!("{group} {}\n", names.join(" ")))).collect();
    fs::create_dir_all(folder())?;
    Ok(fs::write(folder().join("list"), lines.into_values().collect::<String>())?)
}

impl Chunks {
    /// Parts → `site/pkg`.
    pub fn publish() -> Result<Self> {
        let Ok(list) = fs::read_to_string(folder().join("list")) else { return Ok(Self::default()) };
        let mut chunks = Self::default();
        for line in list.lines() {
            let mut words = line.split_whitespace();
            let Some(group) = words.next() else { continue };
            let finals = words.map(|name| chunks.publish_one(name)).collect::<Result<_>>()?;
            chunks.needed.insert(group.to_owned(), finals);
        }
        Ok(chunks)
    }

    fn publish_one(&mut self, name: &str) -> Result<String> {
        if let Some(known) = self.names.get(name) {
            return Ok(known.clone());
        }
        let bytes = fs::read(folder().join(format!("{name}.wasm")))?;
        let new = format!("{name}.{}", assets::hash(&bytes));
        assets::write_new(&paths::pkg().join(format!("{new}.wasm")), &bytes)?;
        self.names.insert(name.to_owned(), new.clone());
        Ok(new)
    }

    pub fn files(&self) -> impl Iterator<Item = String> {
        self.names.values().map(|name| format!("{name}.wasm"))
    }

    /// The loader in the script asks for the final names.
    pub fn rename_in(&self, script: &str) -> String {
        let quoted = |name: &str| format!("\"./{name}.wasm\"");
        self.names.iter().fold(script.to_owned(), |text, (old, new)| text.replace(&quoted(old), &quoted(new)))
    }

    /// For `assets.json`.
    pub fn json(&self) -> String {
        let lines: Vec<String> = self.needed.iter().map(|(group, names)| format!("    \"{group}\": {names:?}")).collect();
        format!("{{\n{}\n  }}", lines.join(",\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Chunks {
        let names = [("split_runs", "split_runs.12"), ("chunk_1", "chunk_1.34")].map(|(old, new)| (old.to_owned(), new.to_owned()));
        let needed = [("runs".to_owned(), vec!["chunk_1.34".to_owned(), "split_runs.12".to_owned()])];
        Chunks { names: names.into(), needed: needed.into() }
    }

    #[test]
    fn the_script_gets_the_final_names() {
        let script = r#"fetch(new URL("./chunk_1.wasm", import.meta.url)); fetch("./chunk_10.wasm")"#;
        assert_eq!(sample().rename_in(script), r#"fetch(new URL("./chunk_1.34.wasm", import.meta.url)); fetch("./chunk_10.wasm")"#);
    }

    #[test]
    fn the_list_says_what_a_page_needs() {
        assert_eq!(sample().json(), "{\n    \"runs\": [\"chunk_1.34\", \"split_runs.12\"]\n  }");
    }
}

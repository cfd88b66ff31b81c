//! New addresses at the target (re-IP): a rule a line, as the node reads it.

use crate::components::field::LongTextField;
use leptos::prelude::*;
use model::Mapping;

const HELP: &str = "One rule a line: 10.1.0.0/24 via 10.1.0.1 → 10.2.0.0/24 via 10.2.0.1 dns 10.2.0.53. An address keeps its place in the \
    subnet; a single address goes as 10.1.0.7/24 → 10.2.0.70/24. Once one address changes, each address of the machine needs a rule. \
    Empty: all addresses stay.";

#[component]
pub fn AddressRules(name: &'static str, value: RwSignal<String>, #[prop(into)] error: Signal<Option<String>>) -> impl IntoView {
    view! { <LongTextField label="New addresses (re-IP)" name value help=HELP error/> }
}

/// Mappings of names, and the text of the rules among them.
pub fn split(all: &[Mapping]) -> (Vec<Mapping>, String) {
    let (rules, names): (Vec<Mapping>, Vec<Mapping>) = all.iter().cloned().partition(Mapping::is_rule);
    (names, rules.iter().map(|m| format!("{} → {}", m.from, m.to)).collect::<Vec<_>>().join("\n"))
}

/// # Errors
/// The first line that is no rule.
pub fn read(text: &str) -> Result<Vec<Mapping>, String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(rule).collect()
}

fn rule(line: &str) -> Result<Mapping, String> {
    let sides = ["→", "->", "="].iter().find_map(|arrow| line.split_once(arrow));
    let mapping = sides.map(|(from, to)| Mapping { from: from.trim().into(), to: to.trim().into() });
    let wrong = || format!("“{line}” is no rule. Write it like 10.1.0.0/24 via 10.1.0.1 → 10.2.0.0/24 via 10.2.0.1");
    mapping.filter(|m| m.is_rule() && !m.to.is_empty()).ok_or_else(wrong)
}

/// The node's word about a mapping that is a rule: `networks[2]`.
pub fn of_rule(field: &str) -> bool {
    field.starts_with("networks[")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_as_they_are_written() {
        let map = |from: &str, to: &str| Mapping { from: from.into(), to: to.into() };
        let all = [map("lan", "lan2"), map("10.1.0.0/24 via 10.1.0.1", "10.2.0.0/24"), map("fd00::/64", "fd01::/64")];
        let (names, text) = split(&all);
        assert_eq!((names.as_slice(), read(&text).as_deref()), (&all[..1], Ok(&all[1..])));
        assert_eq!(read(" 10.1.0.7/24 -> 10.2.0.7/24 \n\n10.1.0.8/24=10.2.0.8/24").map(|all| all.len()), Ok(2));
        for wrong in ["lan → lan2", "10.1.0.0/24", "10.1.0.0/24 →"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}

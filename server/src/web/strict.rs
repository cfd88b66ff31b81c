//! What a body says and nobody would read: found by writing down again what was understood, and comparing.
//!
//! A misspelt field must not be taken for one that was left out: a failover with `plans` for `plan_ids` would fail over
//! every plan. Types that are also stored stay lenient, so that a node can read what a newer one wrote.

use crate::error::{Error, Result};
use model::error::FieldError;
use serde::Serialize;
use serde_json::Value;

/// # Errors
/// Every field that was given and not understood, with those that there are.
pub fn all_understood(given: &Value, understood: &impl Serialize) -> Result<()> {
    let understood = serde_json::to_value(understood).map_err(Error::internal)?;
    let mut unknown = vec![];
    compare(given, &understood, "", &mut unknown);
    if unknown.is_empty() { Ok(()) } else { Err(Error::invalid_fields(unknown)) }
}

fn compare(given: &Value, understood: &Value, path: &str, unknown: &mut Vec<FieldError>) {
    match (given, understood) {
        (Value::Object(given), Value::Object(known)) => {
            for (name, value) in given {
                let field = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match known.get(name) {
                    Some(understood) => compare(value, understood, &field, unknown),
                    None => unknown.push(no_such(field, known.keys())),
                }
            }
        }
        (Value::Array(given), Value::Array(known)) => {
            for (i, (value, understood)) in given.iter().zip(known).enumerate() {
                compare(value, understood, &format!("{path}[{i}]"), unknown);
            }
        }
        _ => {}
    }
}

fn no_such<'a>(field: String, known: impl Iterator<Item = &'a String>) -> FieldError {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let there = if known.is_empty() { "There is none here.".to_owned() } else { format!("Here it is {}.", known.join(", ")) };
    FieldError { message: format!("{field}: there is no such field. {there}"), field, span: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{
        plan::PlanSpec,
        run::{FailoverRequest, RunCommand},
    };
    use serde::de::DeserializeOwned;
    use serde_json::json;

    fn fields<T: Serialize + DeserializeOwned>(given: Value) -> Vec<String> {
        let understood: T = serde_json::from_value(given.clone()).unwrap();
        all_understood(&given, &understood).err().map_or_else(Vec::new, |e| e.fields.into_iter().map(|f| f.field).collect())
    }

    #[test]
    fn a_misspelt_field_is_found_wherever_it_stands() {
        assert_eq!(fields::<FailoverRequest>(json!({ "confirm": "b", "plans": ["x"] })), ["plans"]);
        let machine = json!({ "member_id": "m", "priorty": 1, "health": { "type": "http", "prt": 8080 } });
        let plan = json!({ "name": "p", "group_ids": [], "machines": [machine] });
        assert_eq!(fields::<PlanSpec>(plan), ["machines[0].health.prt", "machines[0].priorty"]);
        assert_eq!(fields::<RunCommand>(json!({ "command": "pause", "step": "x" })), ["step"]);
    }

    #[test]
    fn what_is_right_passes_also_when_it_says_null() {
        assert!(fields::<FailoverRequest>(json!({ "confirm": "b", "statement": null, "plan_ids": [] })).is_empty());
        assert!(fields::<model::cloud::NewCloud>(json!({ "name": "a", "kind": "b", "site": "c", "fields": { "any": "x" } })).is_empty());
    }
}

//! The two halves of saving a group's form: check here, then keep what the node says beside the fields.

use super::fields::GroupFields;
use crate::api;
use leptos::prelude::*;
use model::{cloud::Cloud, error::ApiError, protection::NewGroup};

/// The body to send, or the faults, which then stand under their fields.
pub fn checked(fields: GroupFields, clouds: StoredValue<Vec<Cloud>>, taken: &[String]) -> api::Result<NewGroup> {
    fields.errors.try_set(None);
    let parsed = clouds.with_value(|clouds| fields.draft().parse(clouds, taken));
    let wrong = |faults| ApiError {
        code: "invalid".into(),
        message: "Some fields need another look.".into(),
        fields: faults,
        ..ApiError::default()
    };
    kept(fields, parsed.map_err(wrong))
}

pub fn kept<T>(fields: GroupFields, answer: api::Result<T>) -> api::Result<T> {
    if let Err(error) = &answer {
        fields.errors.try_set(Some(error.clone()));
    }
    answer
}

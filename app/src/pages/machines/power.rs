//! The one request that changes the power of a machine.

use crate::api;
use model::machine::{Machine, PowerAction, PowerRequest};

pub async fn power(id: &str, action: PowerAction) -> api::Result<Machine> {
    api::post(&format!("/machines/{id}/power"), &PowerRequest { action }).await
}

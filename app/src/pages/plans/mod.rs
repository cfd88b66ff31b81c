//! Recovery plans: the list, and one plan with its readiness and its editor.

mod addresses;
mod callout_row;
mod callouts;
mod check;
mod columns;
mod draft;
mod editor;
mod groups;
pub mod health;
pub mod health_fields;
mod list;
mod machine_card;
mod number_field;
mod plan;
mod save;

pub use list::PlansPage;
pub use plan::PlanPage;

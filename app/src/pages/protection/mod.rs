//! Protection: groups with their lag against the objective, their machines and recovery points.

mod add_machines;
pub mod draft;
mod edit;
mod edit_form;
pub mod fields;
mod follow;
mod group;
mod group_card;
pub mod group_form;
pub mod lag;
mod list;
mod machine_picker;
mod members;
mod new_group;
mod places;
mod point_line;
mod points;
mod policy;
mod remove;
mod reprotect;
#[cfg(test)]
mod sample;
pub mod save;
mod site_resources;
mod target_form;
mod targets;

pub use group::GroupPage;
pub use list::ProtectionPage;
pub use points::PointTable;

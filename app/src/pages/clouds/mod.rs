//! Clouds: how each one answers, what it has, and how a new one is connected.

mod add;
mod detail;
mod edit;
mod form;
mod list;
mod prices;
mod probe;
mod requests;
mod resources;

pub use add::AddCloudPage;
pub use detail::CloudPage;
pub use list::CloudsPage;

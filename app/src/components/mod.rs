//! What more than one page is made of. Start here before writing markup by hand:
//!
//! - [`load`]: read one address of the API, keep it on screen while newer is fetched, show errors beside it;
//! - [`page_header`]: title of page and tab, way back, buttons;
//! - [`status`]: a state as shape, colour and word; [`age`]: how old, counting; [`progress`]: a transfer;
//! - [`button_action`]: a button that does something at the API; [`dialog`], [`confirm_dialog`]: native dialogs;
//! - [`field`]: label, help and error around an input; [`number`]: what is typed as a number; [`data_table`], [`pager`], [`tabs`], [`empty_state`];
//! - [`places`]: where something can run: words and cells;
//! - [`toast`]: a short word about what just happened; [`error_note`]: an error with its operation id;
//! - [`asked`]: a question in the address;
//! - [`copy_command`]: the same as a command line; [`copy_box`]: a text to take along.

pub mod age;
pub mod asked;
pub mod button_action;
pub mod clipboard;
pub mod confirm_dialog;
pub mod copy_box;
pub mod copy_command;
pub mod data_table;
pub mod dialog;
pub mod empty_state;
pub mod error_note;
pub mod field;
pub mod load;
pub mod number;
pub mod page_header;
pub mod pager;
pub mod places;
pub mod progress;
pub mod simulated_badge;
pub mod status;
pub mod tabs;
pub mod toast;

//! A question in the address, from the palette or a link: `/?failover=berlin`, `/machines/…?do=move`. It is asked once:
//! the address is cleared with it, so that a reload does not ask again unasked, and the same link works a second time.

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};

/// Calls `ask` with what `key` says in the address.
pub fn asked(key: &'static str, ask: impl Fn(String) + 'static) {
    let (query, path, navigate) = (use_query_map(), use_location().pathname, use_navigate());
    Effect::new(move |_| {
        let Some(value) = query.with(|q| q.get(key)) else { return };
        let rest = query.with_untracked(|q| {
            let mut q = q.clone();
            q.remove(key);
            q.to_query_string()
        });
        navigate(&format!("{}{rest}", path.get_untracked()), NavigateOptions { replace: true, scroll: false, ..Default::default() });
        ask(value);
    });
}

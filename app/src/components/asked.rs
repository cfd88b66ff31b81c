//! A question in the address, from the palette or a link: `/?failover=berlin`, `/machines/…?do=move`. It is asked once:
//! when its dialog closes the address is cleared, so that a reload does not ask again and the same link works a
//! second time. Not before that: a navigation while the page arrives would draw the page anew, without the dialog.

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
};
use std::time::Duration;

/// Whoever leaves for another page with the press that closes the dialog is on the way by then.
const LATER: Duration = Duration::from_millis(200);

/// Calls `ask` with what `key` says in the address; it answers whether `open` is the dialog that it opened now.
pub fn asked(key: &'static str, open: Signal<bool>, ask: impl Fn(String) -> bool + 'static) {
    let (query, path, navigate) = (use_query_map(), use_location().pathname, use_navigate());
    let clear = move || {
        let rest = query.try_with_untracked(|q| {
            let mut rest = q.clone();
            rest.remove(key).map(|_| rest.to_query_string())
        });
        if let (Some(Some(rest)), Some(path)) = (rest, path.try_get_untracked()) {
            navigate(&format!("{path}{rest}"), NavigateOptions { replace: true, scroll: false, ..Default::default() });
        }
    };
    let later = clear.clone();
    Effect::new(move |_| {
        if let Some(value) = query.with(|q| q.get(key))
            && !ask(value)
        {
            set_timeout(later.clone(), LATER);
        }
    });
    Effect::new(move |was: Option<bool>| {
        let is = open.get();
        if was == Some(true) && !is {
            set_timeout(clear.clone(), LATER);
        }
        is
    });
}

//! Asks before something that is not undone with one click.

use crate::{
    api,
    components::{button_action::ButtonAction, dialog::Dialog},
};
use leptos::prelude::*;
use std::future::Future;

/// `children` say what will happen. `phrase`, when given, must be typed exactly.
#[component]
pub fn ConfirmDialog<F, R>(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    /// On the button: the verb, not "OK".
    #[prop(into)]
    verb: String,
    run: F,
    #[prop(optional, into)] phrase: Option<String>,
    children: ChildrenFn,
) -> impl IntoView
where
    F: Fn() -> R + Clone + Send + Sync + 'static,
    R: Future<Output = api::Result<()>> + 'static,
{
    let children = StoredValue::new(children);
    let typed = RwSignal::new(String::new());
    // A second opening asks again.
    Effect::new(move |_| {
        open.track();
        typed.set(String::new());
    });
    let wanted = StoredValue::new(phrase);
    let refused = Signal::derive(move || wanted.get_value().filter(|w| *w != typed.get()).map(|w| format!("Type “{w}” first.")));
    let confirm = move || {
        let work = run();
        async move {
            work.await?;
            open.try_set(false);
            Ok(())
        }
    };
    view! {
        <Dialog open=open title=title>
            <div class="dialog-body">
                {children.with_value(|c| c())}
                {wanted.get_value().map(|w| view! {
                    <label class="field">
                        <span class="field-label">"Type " <b>{w}</b> " to confirm"</span>
                        <input class="input" autocomplete="off" bind:value=typed/>
                    </label>
                })}
            </div>
            <footer class="dialog-foot">
                <button type="button" class="button" on:click=move |_| open.set(false)>"Cancel"</button>
                <ButtonAction label=verb.clone() look="danger" run=confirm.clone() refused=refused/>
            </footer>
        </Dialog>
    }
}

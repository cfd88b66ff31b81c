//! A whole number in a range. What does not fit stays on the screen with the reason, and changes nothing.

use crate::components::field::TextField;
use leptos::prelude::*;

#[component]
pub fn NumberField(
    label: &'static str,
    #[prop(into)] id: String,
    least: u32,
    most: u32,
    value: Signal<u32>,
    on_change: impl Fn(u32) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let text = RwSignal::new(value.get_untracked().to_string());
    let parsed = Memo::new(move |_| text.with(|t| parse(t, least, most)));
    let error = Signal::derive(move || parsed.get().err());
    Effect::new(move |_| {
        if let Ok(n) = parsed.get()
            && n != value.get_untracked()
        {
            on_change(n);
        }
    });
    view! { <TextField label name=id value=text kind="number" error/> }
}

fn parse(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let n = text.trim().parse::<u32>().ok().filter(|n| (least..=most).contains(n));
    n.ok_or_else(|| format!("“{}” does not fit: a whole number from {least} to {most} is needed.", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn only_whole_numbers_of_the_range() {
        assert_eq!(parse(" 5 ", 1, 10), Ok(5));
        for wrong in ["", "0", "11", "1.5", "-1", "x"] {
            assert!(parse(wrong, 1, 10).is_err(), "{wrong}");
        }
    }
}

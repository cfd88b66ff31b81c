//! Scripts and prompts on the command line: `6,go-on,timeout:30,name:Tell people=notify all`. Pure.

use super::flags::seconds;
use crate::cli::{
    client::{Failure, Result},
    spec,
};
use model::{
    limits::CALLOUT_TIMEOUT_SECONDS,
    plan::{Callout, CalloutAction, CalloutError},
};

struct Head {
    before_priority: u8,
    name: Option<String>,
    timeout_seconds: Option<u32>,
    on_error: CalloutError,
}

pub fn script(text: &str) -> Result<Callout> {
    let (head, line) = head("--script", text)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let program = words.next().ok_or_else(|| Failure::input(format!("--script is '{text}': it names no program")))?;
    let action =
        CalloutAction::Script { program: program.clone(), args: words.collect(), timeout_seconds: head.timeout_seconds.unwrap_or(120) };
    Ok(Callout { name: head.name.unwrap_or(program), before_priority: head.before_priority, action, on_error: head.on_error })
}

pub fn prompt(text: &str) -> Result<Callout> {
    let (head, question) = head("--prompt", text)?;
    if head.timeout_seconds.is_some() || head.on_error == CalloutError::GoOn {
        return Err(Failure::input(format!("--prompt is '{text}': it waits for its answer, so it takes neither timeout nor go-on")));
    }
    let action = CalloutAction::Prompt { question: question.clone() };
    Ok(Callout { name: head.name.unwrap_or(question), before_priority: head.before_priority, action, on_error: head.on_error })
}

/// What stands before `=`, and what stands after it.
fn head(flag: &str, text: &str) -> Result<(Head, String)> {
    let (before, rest) = spec::pair(flag, text)?;
    let mut options = before.split(',').map(str::trim);
    let (before_priority, rest) = spec::numbered(flag, &format!("{}={rest}", options.next().unwrap_or_default()), 6)?;
    let mut head = Head { before_priority, name: None, timeout_seconds: None, on_error: CalloutError::default() };
    for option in options {
        match option.split_once(':').map_or((option, ""), |(a, b)| (a.trim(), b.trim())) {
            ("go-on", "") => head.on_error = CalloutError::GoOn,
            ("timeout", text) => head.timeout_seconds = Some(seconds(&format!("{flag} timeout"), text, &CALLOUT_TIMEOUT_SECONDS)?),
            ("name", words) if !words.is_empty() => head.name = Some(words.to_owned()),
            _ => return Err(Failure::input(format!("{flag} has '{option}': write go-on, timeout:SECONDS or name:WORDS"))),
        }
    }
    Ok((head, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_follow_the_number() {
        let made = script("6,go-on,timeout:30,name:Tell people=notify all now").unwrap();
        let action = CalloutAction::Script { program: "notify".into(), args: vec!["all".into(), "now".into()], timeout_seconds: 30 };
        assert_eq!(made, Callout { name: "Tell people".into(), before_priority: 6, action, on_error: CalloutError::GoOn });
        let plain = script("1=notify").unwrap();
        assert_eq!((plain.name.as_str(), plain.on_error), ("notify", CalloutError::Wait));
        assert_eq!(prompt("2,name:Database=Is a=b?").unwrap().action, CalloutAction::Prompt { question: "Is a=b?".into() });
    }

    #[test]
    fn what_is_wrong_says_what_would_be_right() {
        for (text, said) in [
            ("7=x", "1 to 6"),
            ("1=", "no program"),
            ("1,later=x", "'later': write go-on"),
            ("1,timeout:0=x", "from 1 to 86400"),
            ("notify", "name=value"),
        ] {
            let message = script(text).unwrap_err().to_string();
            assert!(message.contains(said), "{text}: {message}");
        }
        assert!(prompt("1,go-on=Well?").unwrap_err().to_string().contains("waits for its answer"));
    }
}

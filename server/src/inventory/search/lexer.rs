//! Cuts a search into words, parentheses and signs, each with its place.

use super::SearchError;

pub type Span = (u32, u32);

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    Open,
    Close,
    Not,
    Or,
    Word(Word),
}

/// `field`, sign and value; without a field only a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    pub field: Option<(String, Span)>,
    pub sign: String,
    pub value: String,
    pub value_span: Span,
}

pub fn tokens(text: &str) -> Result<Vec<(Token, Span)>, SearchError> {
    let chars: Vec<char> = text.chars().collect();
    let (mut at, mut out) = (0, vec![]);
    while at < chars.len() {
        let begun = at;
        let token = match chars[at] {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '(' => single(Token::Open, &mut at),
            ')' => single(Token::Close, &mut at),
            '-' => single(Token::Not, &mut at),
            _ => word(&chars, &mut at)?,
        };
        out.push((token, span(begun, at)));
    }
    Ok(out)
}

fn single(token: Token, at: &mut usize) -> Token {
    *at += 1;
    token
}

/// A search longer than 4 billion characters does not get here.
pub fn span(from: usize, to: usize) -> Span {
    (u32::try_from(from).unwrap_or(u32::MAX), u32::try_from(to).unwrap_or(u32::MAX))
}

fn word(chars: &[char], at: &mut usize) -> Result<Token, SearchError> {
    let begun = *at;
    let name_end = begun + chars[begun..].iter().take_while(|c| c.is_ascii_alphabetic() || **c == '_').count();
    let sign_len = chars[name_end..].iter().take(2).take_while(|c| matches!(c, ':' | '=' | '<' | '>')).count();
    let sign: String = chars[name_end..name_end + sign_len].iter().collect();
    let sign = if matches!(sign.as_str(), ">=" | "<=" | "") { sign } else { sign.chars().take(1).collect() };
    if name_end > begun && !sign.is_empty() {
        let name: String = chars[begun..name_end].iter().collect();
        *at = name_end + sign.len();
        let (value, value_span, _) = value(chars, at)?;
        return Ok(Token::Word(Word { field: Some((name.to_lowercase(), span(begun, name_end))), sign, value, value_span }));
    }
    let (value, value_span, quoted) = value(chars, at)?;
    if value == "OR" && !quoted {
        return Ok(Token::Or);
    }
    Ok(Token::Word(Word { field: None, sign: String::new(), value, value_span }))
}

/// Up to the next space or parenthesis; quotes hold both.
fn value(chars: &[char], at: &mut usize) -> Result<(String, Span, bool), SearchError> {
    let (begun, mut text, mut quoted) = (*at, String::new(), false);
    while let Some(&c) = chars.get(*at) {
        if c == '"' {
            quoted = true;
            text.push_str(&quote(chars, at)?);
        } else if c.is_whitespace() || matches!(c, '(' | ')') {
            break;
        } else {
            text.push(c);
            *at += 1;
        }
    }
    Ok((text, span(begun, *at), quoted))
}

fn quote(chars: &[char], at: &mut usize) -> Result<String, SearchError> {
    let (begun, mut text) = (*at, String::new());
    *at += 1;
    while let Some(&c) = chars.get(*at) {
        *at += 1;
        match c {
            '"' => return Ok(text),
            '\\' => {
                text.extend(chars.get(*at));
                *at += 1;
            }
            c => text.push(c),
        }
    }
    *at = chars.len();
    let message = "This quote is never closed: end it with another \".".into();
    Err(SearchError { message, span: span(begun, chars.len()) })
}

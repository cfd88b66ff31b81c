//! From words to an expression: `or := and ("OR" and)*`, `and := unary+`, `unary := "-" unary | "(" or ")" | word`.

use super::{
    Expr, SearchError, fields,
    lexer::{Span, Token, span, tokens},
};

/// Deep enough for people, shallow enough for the stack.
const DEEPEST: usize = 32;

/// # Errors
/// What cannot be understood, where, and what would be right.
pub fn parse(text: &str) -> Result<Expr, SearchError> {
    let end = text.chars().count();
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, end: span(end.saturating_sub(1), end) };
    if parser.tokens.is_empty() {
        return Ok(Expr::All);
    }
    let expr = parser.or()?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(parser.wrong("There is no opening parenthesis for this one.")),
    }
}

struct Parser {
    tokens: Vec<(Token, Span)>,
    at: usize,
    depth: usize,
    end: Span,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(t, _)| t)
    }

    fn wrong(&self, message: &str) -> SearchError {
        let span = self.tokens.get(self.at).map_or(self.end, |(_, s)| *s);
        SearchError { message: message.into(), span }
    }

    fn or(&mut self) -> Result<Expr, SearchError> {
        let mut parts = vec![self.and()?];
        while self.peek() == Some(&Token::Or) {
            self.at += 1;
            parts.push(self.and()?);
        }
        Ok(flat(parts, Expr::Or))
    }

    fn and(&mut self) -> Result<Expr, SearchError> {
        let mut parts = vec![];
        while !matches!(self.peek(), None | Some(Token::Close | Token::Or)) {
            parts.push(self.unary()?);
        }
        if parts.is_empty() {
            return Err(self.wrong("Something to search for is missing here."));
        }
        Ok(flat(parts, Expr::And))
    }

    fn unary(&mut self) -> Result<Expr, SearchError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong("This is nested too deeply; write it with fewer parentheses."));
        }
        let expr = self.unary_inside()?;
        self.depth -= 1;
        Ok(expr)
    }

    fn unary_inside(&mut self) -> Result<Expr, SearchError> {
        match self.tokens.get(self.at).cloned() {
            Some((Token::Not, _)) => {
                self.at += 1;
                Ok(Expr::Not(Box::new(self.unary()?)))
            }
            Some((Token::Open, opened)) => {
                self.at += 1;
                let inner = self.or()?;
                if self.peek() != Some(&Token::Close) {
                    return Err(SearchError { message: "This parenthesis is never closed: add a ).".into(), span: opened });
                }
                self.at += 1;
                Ok(inner)
            }
            Some((Token::Word(word), _)) => {
                self.at += 1;
                fields::term(&word).map(Expr::Term)
            }
            _ => Err(self.wrong("Something to search for is missing here.")),
        }
    }
}

/// One part is itself; parts of the same kind are taken in, so that there is one form of each meaning.
fn flat(parts: Vec<Expr>, make: fn(Vec<Expr>) -> Expr) -> Expr {
    let same = std::mem::discriminant(&make(vec![]));
    let mut all = vec![];
    for part in parts {
        match part {
            part if std::mem::discriminant(&part) != same => all.push(part),
            Expr::And(inner) | Expr::Or(inner) => all.extend(inner),
            other => all.push(other),
        }
    }
    if all.len() == 1 { all.swap_remove(0) } else { make(all) }
}

//! Parameters of an address that nobody would read are refused: a misspelt filter must not answer everything.

use super::document;
use crate::error::{Error, Result};
use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::Response,
};
use std::{collections::HashMap, sync::LazyLock};
use utoipa::openapi::{
    RefOr,
    path::{HttpMethod, Operation, ParameterIn},
};

/// By address, for reading; nothing that changes takes any.
static KNOWN: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
    let (_, mut document) = document::routes();
    let mut known = HashMap::new();
    for (path, item) in &mut document.paths.paths {
        document::each(item, |method, operation| {
            if method == HttpMethod::Get {
                known.insert(path.clone(), names(operation));
            }
        });
    }
    known
});

fn names(operation: &Operation) -> Vec<String> {
    let all = operation.parameters.iter().flatten();
    let own = all.filter_map(|p| if let RefOr::T(p) = p { Some(p) } else { None });
    own.filter(|p| p.parameter_in == ParameterIn::Query).map(|p| p.name.clone()).collect()
}

pub async fn layer(request: Request, next: Next) -> Result<Response> {
    let query = request.uri().query().unwrap_or_default();
    if let Some(route) = request.extensions().get::<MatchedPath>().filter(|_| !query.is_empty())
        && let Some(known) = KNOWN.get(route.as_str())
    {
        let known: &[String] = if matches!(*request.method(), Method::GET | Method::HEAD) { known } else { &[] };
        check(query, known)?;
    }
    Ok(next.run(request).await)
}

fn check(query: &str, known: &[String]) -> Result<()> {
    for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
        if !known.iter().any(|k| *k == name) {
            let there = if known.is_empty() { "It takes none.".to_owned() } else { format!("It takes {}.", known.join(", ")) };
            return Err(Error::invalid(name.clone(), format!("{name}: this address has no such parameter. {there}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameter_and_what_there_is_are_named() {
        let known = ["limit".to_owned(), "cursor".to_owned()];
        assert!(check("limit=1&cursor=a%20b", &known).is_ok());
        let error = check("limt=1", &known).unwrap_err();
        assert_eq!((error.fields[0].field.as_str(), error.message.contains("limit, cursor")), ("limt", true));
        assert!(check("x", &[]).unwrap_err().message.contains("none"));
    }
}

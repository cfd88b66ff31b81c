//! What the page's address says: search and order. Pure.

use crate::state::escape;

/// Rows fetched at once.
pub const CHUNK: usize = 50;

#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Query {
    pub q: String,
    /// As the API takes it: `name`, `-name` …
    pub sort: String,
}

impl Query {
    pub fn new(q: Option<String>, sort: Option<String>) -> Self {
        Self { q: q.unwrap_or_default().trim().to_owned(), sort: sort.unwrap_or_default() }
    }

    /// Of the API, for the chunk that begins at `offset`.
    pub fn path(&self, offset: usize) -> String {
        self.part(offset, CHUNK)
    }

    pub fn part(&self, offset: usize, limit: usize) -> String {
        format!("/machines?limit={limit}&offset={offset}&q={}&sort={}", escape(&self.q), escape(self.order()))
    }

    /// Everything, by name: a row that changes stays in its place.
    pub fn is_plain(&self) -> bool {
        self.q.is_empty() && self.order().trim_start_matches('-') == "name"
    }

    fn order(&self) -> &str {
        if self.sort.is_empty() { "name" } else { &self.sort }
    }

    /// Of the page.
    pub fn href(&self) -> String {
        let parts =
            [("q", &self.q), ("sort", &self.sort)].map(|(key, value)| (!value.is_empty()).then(|| format!("{key}={}", escape(value))));
        let text = parts.into_iter().flatten().collect::<Vec<_>>().join("&");
        if text.is_empty() { "/machines".into() } else { format!("/machines?{text}") }
    }

    /// The same rows by `column`; a second press turns the order round.
    pub fn sorted_by(&self, column: &str) -> Self {
        let sort = if self.order() == column { format!("-{column}") } else { column.to_owned() };
        Self { q: self.q.clone(), sort: if sort == "name" { String::new() } else { sort } }
    }

    pub fn searching(&self, q: &str) -> Self {
        Self { q: q.trim().to_owned(), sort: self.sort.clone() }
    }

    /// For `aria-sort`.
    pub fn direction(&self, column: &str) -> Option<&'static str> {
        let order = self.order();
        if order == column { Some("ascending") } else { (order.strip_prefix('-') == Some(column)).then_some("descending") }
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn the_address_carries_search_and_order() {
        let query = Query::new(Some(" mem>8G site:berlin ".into()), None);
        assert_eq!(query.href(), "/machines?q=mem%3E8G%20site:berlin");
        assert_eq!(query.path(100), "/machines?limit=50&offset=100&q=mem%3E8G%20site:berlin&sort=name");
        assert_eq!(Query::default().href(), "/machines");
    }

    #[test]
    fn a_second_press_turns_the_order_round() {
        let by_name = Query::default();
        assert_eq!(by_name.direction("name"), Some("ascending"));
        let turned = by_name.sorted_by("name");
        assert_eq!((turned.sort.as_str(), turned.direction("name")), ("-name", Some("descending")));
        assert_eq!(turned.sorted_by("name"), by_name);
        assert_eq!(turned.sorted_by("memory").href(), "/machines?sort=memory");
    }
}

//! What many things have in common is said once: problems with the same words, and the names of all that they are about.

use crate::{Problem, Severity};

/// One or several problems that differ in their subject only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// In the order in which they were found, each once.
    pub subjects: Vec<String>,
    pub what: String,
    pub remedy: String,
}

impl Finding {
    /// It stops what was checked.
    pub fn blocks(&self) -> bool {
        self.severity == Severity::Critical
    }
}

/// Worst first; what is of one severity keeps its order.
pub fn grouped(problems: &[Problem]) -> Vec<Finding> {
    let mut found: Vec<Finding> = vec![];
    for p in problems {
        match found.iter_mut().find(|f| f.severity == p.severity && f.what == p.what && f.remedy == p.remedy) {
            Some(same) if same.subjects.contains(&p.subject) => {}
            Some(same) => same.subjects.push(p.subject.clone()),
            None => found.push(Finding {
                severity: p.severity,
                subjects: vec![p.subject.clone()],
                what: p.what.clone(),
                remedy: p.remedy.clone(),
            }),
        }
    }
    found.sort_by_key(|f| std::cmp::Reverse(f.severity));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(severity: Severity, subject: &str, what: &str) -> Problem {
        Problem::new(severity, subject, what, "Mend it.")
    }

    #[test]
    fn the_same_words_are_one_finding_and_other_words_are_not() {
        let all = [
            problem(Severity::Warning, "db1", "It is slow."),
            problem(Severity::Warning, "db2", "It is slow."),
            problem(Severity::Critical, "db2", "It is slow."),
            problem(Severity::Warning, "db1", "It is slow."),
            problem(Severity::Warning, "db3", "It is old."),
        ];
        let found: Vec<_> = grouped(&all).into_iter().map(|f| (f.severity, f.subjects.join(" "))).collect();
        let expected = [(Severity::Critical, "db2"), (Severity::Warning, "db1 db2"), (Severity::Warning, "db3")];
        assert_eq!(found, expected.map(|(s, names)| (s, names.to_owned())));
    }
}

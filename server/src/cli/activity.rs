//! `crossfade activity`: the audit trail.

use super::{
    client::{Client, Result, escape},
    output::{Out, events},
};
use clap::Args;
use model::{Page, access::AuditEvent};

#[derive(Args)]
pub struct Activity {
    /// Only what was done to this: a name or an identifier
    #[arg(long)]
    subject: Option<String>,
    /// Only what this user or token did
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// So many, newest first
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
    last: u32,
}

pub async fn run(a: Activity, api: &Client, out: Out) -> Result<()> {
    let page: Page<AuditEvent> = api.get(&a.path()).await?;
    out.show(&page.items, |all| events(all))
}

impl Activity {
    fn path(&self) -> String {
        let narrow = [("subject", &self.subject), ("actor", &self.by)];
        let said = narrow.into_iter().filter_map(|(key, word)| word.as_ref().map(|w| format!("&{key}={}", escape(w))));
        format!("/audit?limit={}{}", self.last, said.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_does_not_narrow() {
        let all = Activity { subject: None, by: None, last: 20 };
        assert_eq!(all.path(), "/audit?limit=20");
        let one = Activity { subject: Some("Move db1 & co".into()), by: Some("ann".into()), last: 5 };
        assert_eq!(one.path(), "/audit?limit=5&subject=Move%20db1%20%26%20co&actor=ann");
    }
}

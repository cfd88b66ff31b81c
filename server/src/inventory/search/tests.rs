use super::{Compare, Expr, Pattern, Term, parse};
use model::machine::PowerState;
use proptest::prelude::*;

fn wrong(text: &str) -> (String, String) {
    let error = parse(text).unwrap_err();
    let part = text.chars().skip(error.span.0 as usize).take((error.span.1 - error.span.0) as usize).collect();
    (error.message, part)
}

#[test]
fn words_narrow() {
    let expr = parse("site:berlin state:running cpu>=4 mem>8G web*").unwrap();
    let terms = vec![
        Expr::Term(Term::Site(Pattern::new("berlin"))),
        Expr::Term(Term::State(PowerState::Running)),
        Expr::Term(Term::Cpu(Compare::AtLeast, 4)),
        Expr::Term(Term::Mem(Compare::More, 8192)),
        Expr::Term(Term::Text(Pattern::new("web*"))),
    ];
    assert_eq!(expr, Expr::And(terms));
    assert_eq!(parse("   ").unwrap(), Expr::All);
}

#[test]
fn or_binds_less_than_and_and_parentheses_bind_more() {
    assert_eq!(parse("a b OR c").unwrap(), parse("(a b) OR c").unwrap());
    assert_ne!(parse("a (b OR c)").unwrap(), parse("a b OR c").unwrap());
    assert_eq!(parse("-(a OR b)").unwrap().to_string(), "-(a OR b)");
    assert_eq!(parse("\"OR\"").unwrap(), Expr::Term(Term::Text(Pattern::new("OR"))));
}

#[test]
fn an_error_points_at_its_place_and_says_what_would_be_right() {
    let (message, part) = wrong("tag:prod stat:running");
    assert!(message.contains("no field 'stat'") && message.contains("Did you mean state?"), "{message}");
    assert_eq!(part, "stat");
    let (message, part) = wrong("mem>8");
    assert!(message.contains("needs a unit") && message.contains("mem>8G"), "{message}");
    assert_eq!(part, "8");
    assert_eq!(wrong("web mem>8X").1, "8X");
    assert_eq!(wrong("cpu>=four").1, "four");
    assert!(wrong("state:runing").0.contains("Did you mean running?"));
    assert_eq!(wrong("a (b OR c").1, "(");
    assert_eq!(wrong("a) b").1, ")");
    assert_eq!(wrong("name:").1, "name:");
    assert_eq!(wrong("x \"abc").1, "\"abc");
    assert!(wrong("site>4").0.contains("cannot be compared"));
    assert!(wrong("a OR").0.contains("missing"));
}

#[test]
fn patterns_take_stars_and_no_case() {
    let p = |text: &str| Pattern::new(text);
    assert!(p("Web*").is("web-prod-1") && p("*prod*").is("web-prod-1") && p("w*1").is("web-prod-1") && p("*").is(""));
    assert!(!p("web").is("web-prod-1") && p("web").is_in("my-web") && !p("a*a").is("a"));
}

/// Pieces of the language and of nothing, in any order.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("site:berlin".to_owned()),
        Just("mem>=1.5G".to_owned()),
        Just("disk<7b".to_owned()),
        Just("-".to_owned()),
        Just("(".to_owned()),
        Just(")".to_owned()),
        Just("OR".to_owned()),
        Just("\"a b\\\"\"".to_owned()),
        Just("tag:\"x y\"".to_owned()),
        Just("rpo:breach".to_owned()),
        Just("split:yes".to_owned()),
        "[a-z]{1,5}[:<>=]{1,2}[a-z0-9*]{0,3}",
        "\\PC{0,4}",
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_makes_it_panic_and_errors_lie_within_the_text(text in prop_oneof![soup(), "\\PC*"]) {
        if let Err(error) = parse(&text) {
            let length = u32::try_from(text.chars().count()).unwrap();
            prop_assert!(error.span.0 <= error.span.1 && error.span.1 <= length, "{:?} of {}", error, length);
        }
    }

    #[test]
    fn the_printed_form_parses_to_the_same(text in soup()) {
        if let Ok(expr) = parse(&text) {
            let printed = expr.to_string();
            prop_assert_eq!(parse(&printed).ok(), Some(expr), "{}", printed);
        }
    }
}

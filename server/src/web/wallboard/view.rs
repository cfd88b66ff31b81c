//! From the overview to what is written on the board: words, shapes and tones. Pure.

use askama::Template;
use model::{
    Millis, Severity,
    alarm::Alarm,
    cloud::CloudStatus,
    overview::{Overview, SiteStatus, SiteView, Totals},
    run::{Run, RunState},
};

/// What fits on a screen without scrolling.
const SITES: usize = 12;
/// From so many sites on their cards are small, and alarms and runs stand before them.
const MANY: usize = 5;
/// From so many on three rows of cards are needed, and all is smaller.
const CROWD: usize = 9;

/// So many alarms and runs fit beside so many sites.
fn room(sites: usize) -> (usize, usize) {
    match sites {
        0..MANY => (6, 4),
        MANY..CROWD => (4, 3),
        _ => (3, 3),
    }
}

#[derive(Template)]
#[template(path = "wallboard/board.html")]
pub struct Board {
    at: Millis,
    clock: String,
    simulated: bool,
    own_network: bool,
    many: bool,
    crowd: bool,
    sites: Vec<Site>,
    more_sites: usize,
    alarms: Vec<AlarmLine>,
    more_alarms: usize,
    runs: Vec<RunLine>,
    more_runs: usize,
}

struct Site {
    name: String,
    tone: &'static str,
    shape: &'static str,
    word: &'static str,
    running: u32,
    unseen: u32,
    down: u32,
    superseded: u32,
    lag: Option<Lag>,
    /// In place of the lag.
    protection: &'static str,
    observed_at: Option<Millis>,
    seen: String,
    /// Clouds that are not well, by name.
    silent: String,
}

struct Lag {
    tone: &'static str,
    text: String,
    objective: String,
    breach: u32,
    percent: u64,
}

struct AlarmLine {
    tone: &'static str,
    shape: &'static str,
    word: &'static str,
    /// What it is about.
    subject: String,
    message: String,
    since: Millis,
    age: String,
}

struct RunLine {
    tone: &'static str,
    shape: &'static str,
    word: String,
    title: String,
    /// Started then, and the clock runs.
    ticking: Option<Millis>,
    clock: String,
    done: u32,
    total: u32,
    percent: u32,
    message: String,
}

impl Board {
    pub fn of(o: &Overview) -> Self {
        let mut sites: Vec<&SiteView> = o.sites.iter().collect();
        if sites.len() > SITES {
            // Not all fit: the worst must be among those that do. Otherwise each keeps its place.
            sites.sort_by_key(|s| std::cmp::Reverse(badness(s.status)));
        }
        let mut runs: Vec<&Run> = o.runs.iter().collect();
        runs.sort_by_key(|r| (r.state.is_over(), std::cmp::Reverse(r.created_at)));
        let (most_alarms, most_runs) = room(sites.len());
        Self {
            at: o.at,
            many: sites.len() >= MANY,
            crowd: sites.len() >= CROWD,
            clock: clock_of(o.at),
            simulated: o.simulated,
            own_network: o.own_network_suspect,
            sites: sites.iter().take(SITES).map(|s| site(s, o.at)).collect(),
            more_sites: sites.len().saturating_sub(SITES),
            alarms: o.alarms.iter().take(most_alarms).map(|a| alarm(a, o.at)).collect(),
            more_alarms: o.alarms.len().saturating_sub(most_alarms),
            runs: runs.iter().take(most_runs).map(|r| run(r, o.at)).collect(),
            more_runs: runs.len().saturating_sub(most_runs),
        }
    }
}

fn badness(status: SiteStatus) -> u8 {
    match status {
        SiteStatus::Ok => 0,
        SiteStatus::Unknown => 1,
        SiteStatus::Degraded => 2,
        SiteStatus::Down => 3,
    }
}

fn site(s: &SiteView, at: Millis) -> Site {
    let (tone, shape, word) = match s.status {
        SiteStatus::Ok => ("good", "●", "OK"),
        SiteStatus::Degraded => ("warn", "◆", "DEGRADED"),
        SiteStatus::Down => ("bad", "■", "DOWN"),
        SiteStatus::Unknown => ("idle", "○", "NOT SEEN YET"),
    };
    let unwell = s.clouds.iter().filter(|c| c.status != CloudStatus::Ok).map(|c| c.name.as_str());
    let t = &s.totals;
    Site {
        name: s.name.clone(),
        tone,
        shape,
        word,
        running: t.running,
        unseen: t.unseen,
        down: t.machines.saturating_sub(t.running + t.unseen + t.superseded),
        superseded: t.superseded,
        lag: lag(t),
        protection: if t.protected > 0 { "no recovery point yet" } else { "nothing protected here" },
        observed_at: s.observed_at,
        seen: s.observed_at.map(|seen| span(at - seen)).unwrap_or_default(),
        silent: unwell.collect::<Vec<_>>().join(", "),
    }
}

fn lag(t: &Totals) -> Option<Lag> {
    let (lag, objective) = (t.worst_lag_ms?, t.worst_rpo_seconds?);
    let limit = i64::from(objective.max(1)) * 1000;
    let percent = u64::try_from(lag.clamp(0, limit) * 100 / limit).unwrap_or(0);
    let tone = if t.in_breach > 0 || lag > limit {
        "bad"
    } else if percent >= 80 {
        "warn"
    } else {
        "good"
    };
    Some(Lag { tone, text: span(lag), objective: span(limit), breach: t.in_breach, percent })
}

fn alarm(a: &Alarm, at: Millis) -> AlarmLine {
    let (tone, shape, word) = match a.severity {
        Severity::Critical => ("bad", "■", "CRITICAL"),
        Severity::Warning => ("warn", "◆", "WARNING"),
        Severity::Info => ("busy", "●", "INFO"),
    };
    AlarmLine { tone, shape, word, subject: a.subject.clone(), message: a.message.clone(), since: a.since, age: span(at - a.since) }
}

fn run(r: &Run, at: Millis) -> RunLine {
    let (tone, shape) = match r.state {
        RunState::Succeeded => ("good", "●"),
        RunState::SucceededWithErrors | RunState::Waiting | RunState::Paused | RunState::Cancelling => ("warn", "◆"),
        RunState::Failed => ("bad", "■"),
        RunState::Cancelled => ("idle", "○"),
        RunState::Queued | RunState::Running => ("busy", "▶"),
    };
    let started = r.started_at.unwrap_or(r.created_at);
    RunLine {
        tone,
        shape,
        word: r.state.as_str().replace('_', " "),
        title: r.title.clone(),
        ticking: (!r.state.is_over()).then_some(started),
        clock: minutes(r.finished_at.unwrap_or(at) - started),
        done: r.steps_done,
        total: r.steps_total,
        percent: (r.steps_done * 100).checked_div(r.steps_total).unwrap_or(0),
        message: r.message.clone().unwrap_or_default(),
    }
}

/// By the node's own zone; the script shows the screen's.
fn clock_of(at: Millis) -> String {
    let stamp = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    stamp.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S %Z").to_string()
}

fn minutes(ms: Millis) -> String {
    let s = ms.max(0) / 1000;
    format!("{:02}:{:02}", s / 60, s % 60)
}

/// The same words as in board.js.
fn span(ms: Millis) -> String {
    let s = ms.max(0) / 1000;
    match s {
        0..=119 => format!("{s} s"),
        120..=7199 => format!("{} min", s / 60),
        7200..=172_799 => format!("{} h", s / 3600),
        _ => format!("{} d", s / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site_view(name: &str, status: SiteStatus) -> SiteView {
        let totals = Totals {
            machines: 6,
            running: if status == SiteStatus::Down { 0 } else { 6 },
            unseen: if status == SiteStatus::Down { 6 } else { 0 },
            protected: 6,
            in_breach: 1,
            worst_lag_ms: Some(12_000),
            worst_rpo_seconds: Some(10),
            ..Totals::default()
        };
        SiteView { name: name.into(), status, since: 0, clouds: vec![], totals, observed_at: Some(1000), plans: 1 }
    }

    fn overview(sites: Vec<SiteView>) -> Overview {
        Overview { at: 61_000, sites, totals: Totals::default(), alarms: vec![], runs: vec![], simulated: true, own_network_suspect: false }
    }

    #[test]
    fn a_dead_site_shows_nothing_as_running() {
        let html = Board::of(&overview(vec![site_view("berlin", SiteStatus::Down)])).render().unwrap();
        assert!(
            html.contains("■") && html.contains("DOWN") && html.contains("<b>0</b> up") && html.contains("<b>6</b> not seen"),
            "{html}"
        );
        assert!(html.contains("SIMULATED") && html.contains("1 in breach") && html.contains("60 s"));
    }

    #[test]
    fn the_worst_site_is_among_those_that_fit() {
        let mut sites: Vec<SiteView> = (0..20).map(|i| site_view(&format!("s{i}"), SiteStatus::Ok)).collect();
        sites[19].status = SiteStatus::Down;
        let board = Board::of(&overview(sites));
        assert_eq!((board.sites[0].name.as_str(), board.sites.len(), board.more_sites), ("s19", 12, 8));
    }

    #[test]
    fn with_many_sites_the_alarms_come_first() {
        let place = |sites: usize| {
            let views = (0..sites).map(|i| site_view(&format!("s{i}"), SiteStatus::Ok)).collect();
            let html = Board::of(&overview(views)).render().unwrap();
            (html.find("aria-label=\"Alarms\"").unwrap(), html.find("aria-label=\"Sites\"").unwrap())
        };
        let (alarms, sites) = place(4);
        assert!(sites < alarms);
        let (alarms, sites) = place(5);
        assert!(alarms < sites);
    }

    #[test]
    fn names_cannot_bring_markup() {
        let html = Board::of(&overview(vec![site_view("<script>", SiteStatus::Ok)])).render().unwrap();
        assert!(!html.contains("<script>"));
    }
}

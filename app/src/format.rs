//! Figures in words: the same everywhere, short, and never more exact than known. Pure.

use model::{Millis, Transfer};

/// "1.5 GiB"; three figures at most.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = n as f64;
    let mut unit = 0;
    // 999.5 would be written as 1000.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{n} B"),
        _ if value < 9.95 => format!("{value:.1} {}", UNITS[unit]),
        _ => format!("{value:.0} {}", UNITS[unit]),
    }
}

pub fn mebibytes(n: u64) -> String {
    bytes(n.saturating_mul(1 << 20))
}

/// "12 MiB/s".
pub fn rate(bytes_per_second: u64) -> String {
    format!("{}/s", bytes(bytes_per_second))
}

/// "123,456".
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// How old: "12 s", "3 min 05 s", "2 h 05 min", "4 d 3 h". A negative age (clocks differ a little) is 0.
pub fn age(ms: i64) -> String {
    let Some(ms) = model::age(0, ms) else { return "unknown".into() };
    let s = ms / 1000;
    match s {
        0..60 => format!("{s} s"),
        60..600 => format!("{} min {:02} s", s / 60, s % 60),
        600..3600 => format!("{} min", s / 60),
        3600..86_400 => format!("{} h {:02} min", s / 3600, s % 3600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
    }
}

/// How long something took: "340 ms", "4.2 s", "3 min 05 s" …
pub fn duration(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{:.1} s", ms as f64 / 1000.0),
        _ => age(i64::try_from(ms).unwrap_or(i64::MAX)),
    }
}

/// An objective: "30 s", "5 min", "1 h".
pub fn seconds(s: u32) -> String {
    match s {
        s if s >= 3600 && s % 3600 == 0 => format!("{} h", s / 3600),
        s if s >= 60 && s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

/// "1.2 of 4.0 GiB · 12 MiB/s · 4 min left".
pub fn transfer(t: &Transfer) -> String {
    let mut words = format!("{} of {}", bytes(t.done), bytes(t.total));
    if t.rate > 0 {
        words += &format!(" · {}", rate(t.rate));
        let left = t.total.saturating_sub(t.done) / t.rate;
        if left > 0 {
            words += &format!(" · {} left", age(i64::try_from(left).unwrap_or(0).saturating_mul(1000)));
        }
    }
    words
}

/// Whole percent, rounded down: 100 is only said when all is done.
pub fn percent(done: u64, total: u64) -> u64 {
    if total == 0 { 0 } else { (u128::from(done.min(total)) * 100 / u128::from(total)) as u64 }
}

struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

/// Howard Hinnant's days-to-civil: no time library in the browser's half for two dozen lines of arithmetic.
fn civil(at: Millis, zone_minutes: i32) -> Civil {
    let seconds = at.div_euclid(1000) + i64::from(zone_minutes) * 60;
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    Civil {
        year: yoe + era * 400 + i64::from(month <= 2),
        month,
        day: doy - (153 * mp + 2) / 5 + 1,
        hour: rest / 3600,
        minute: rest % 3600 / 60,
        second: rest % 60,
    }
}

/// "14:03:12".
pub fn time_of_day(at: Millis, zone_minutes: i32) -> String {
    let c = civil(at, zone_minutes);
    format!("{:02}:{:02}:{:02}", c.hour, c.minute, c.second)
}

/// "2026-11-22 14:03:12".
pub fn date_time(at: Millis, zone_minutes: i32) -> String {
    let c = civil(at, zone_minutes);
    format!("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", c.year, c.month, c.day, c.hour, c.minute, c.second)
}

/// For `datetime=`: "2026-11-22T14:03:12Z".
pub fn iso(at: Millis) -> String {
    let c = civil(at, 0);
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month, c.day, c.hour, c.minute, c.second)
}

/// The first and the last bytes of a fingerprint, in pairs, for a narrow place.
pub fn fingerprint_short(hex: &str) -> String {
    match (hex.get(..8), hex.len().checked_sub(8).and_then(|at| hex.get(at..))) {
        (Some(head), Some(tail)) if hex.len() > 20 => format!("{head}…{tail}"),
        _ => hex.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_three_figures() {
        let seen: Vec<String> = [0, 999, 1000, 1536, 10 << 20, 1023 << 20, 3 << 40].map(bytes).into();
        assert_eq!(seen, ["0 B", "999 B", "1.0 KiB", "1.5 KiB", "10 MiB", "1.0 GiB", "3.0 TiB"]);
        assert_eq!(bytes(u64::MAX), "16384 PiB");
    }

    #[test]
    fn ages_never_go_below_zero_and_of_the_future_nothing_is_known() {
        let seen: Vec<String> = [-5000, -1500, 12_900, 185_000, 1_200_000, 7_500_000, 356_400_000].map(age).into();
        assert_eq!(seen, ["unknown", "0 s", "12 s", "3 min 05 s", "20 min", "2 h 05 min", "4 d 3 h"]);
    }

    #[test]
    fn durations_and_objectives() {
        assert_eq!([340, 4_230, 185_000].map(duration), ["340 ms", "4.2 s", "3 min 05 s"]);
        assert_eq!([30, 90, 300, 3600].map(seconds), ["30 s", "90 s", "5 min", "1 h"]);
    }

    #[test]
    fn a_hundred_percent_is_only_said_at_the_end() {
        assert_eq!(percent(9_999, 10_000), 99);
        assert_eq!(percent(10_000, 10_000), 100);
        assert_eq!(percent(1, 0), 0);
        assert_eq!(percent(u64::MAX, u64::MAX), 100);
    }

    #[test]
    fn dates_at_the_edges() {
        assert_eq!(iso(0), "1970-01-01T00:00:00Z");
        assert_eq!(iso(-1), "1969-12-31T23:59:59Z");
        assert_eq!(iso(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(date_time(1_795_356_192_000, 60), "2026-11-22 15:03:12");
        assert_eq!(time_of_day(1_795_356_192_000, -210), "10:33:12");
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1000, 50_000, 1_234_567].map(count), ["0", "999", "1,000", "50,000", "1,234,567"]);
    }

    #[test]
    fn a_transfer_without_a_rate_promises_nothing() {
        let t = Transfer { done: 1 << 30, total: 4 << 30, rate: 0 };
        assert_eq!(transfer(&t), "1.0 GiB of 4.0 GiB");
        assert_eq!(transfer(&Transfer { rate: 16 << 20, ..t }), "1.0 GiB of 4.0 GiB · 16 MiB/s · 3 min 12 s left");
    }
}

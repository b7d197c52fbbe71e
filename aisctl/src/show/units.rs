//! Times and sizes for people.

const SECOND: u64 = 1_000_000_000;

/// The two largest units of a duration in nanoseconds.
pub(crate) fn duration(ns: u64) -> String {
    let seconds = ns / SECOND;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86400, seconds / 3600 % 24),
    }
}

/// A retention duration in nanoseconds, exact down to the millisecond.
pub(crate) fn retention(ns: i64) -> String {
    if ns == i64::MAX {
        return "for ever".into();
    }
    let ns = ns.max(0).cast_unsigned();
    if ns.is_multiple_of(SECOND) {
        return format!("{} s", ns / SECOND);
    }
    format!("{}.{:03} s", ns / SECOND, ns % SECOND / 1_000_000)
}

/// A time in nanoseconds since the epoch, as a date.
pub(crate) fn date(ns: i64) -> String {
    let seconds = ns.div_euclid(SECOND.cast_signed());
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since the first of March of the year 0, since a leap day is the
    // last of a year that begins there. An era has 400 years.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + next;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// Bytes, with three digits at least.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut unit = 0;
    let mut rest = count;
    while rest >= 10 * 1024 && unit + 1 < UNITS.len() {
        rest /= 1024;
        unit += 1;
    }
    format!("{rest} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_it() {
        assert_eq!(duration(59_999_999_999), "59 s");
        assert_eq!(duration(61 * SECOND), "1 min 1 s");
        assert_eq!(duration(2 * 3600 * SECOND + 60 * SECOND), "2 h 1 min");
        assert_eq!(duration(u64::MAX), "213503 d 23 h");
        assert_eq!(retention(0), "0 s");
        assert_eq!(retention(1_500_000_000), "1.500 s");
        assert_eq!(retention(i64::MAX), "for ever");
        let date = |seconds: i64| date(seconds * SECOND.cast_signed());
        assert_eq!(date(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(date(-1), "1969-12-31 23:59:59 UTC");
        assert_eq!(date(951_827_696), "2000-02-29 12:34:56 UTC");
        assert_eq!(date(951_868_800), "2000-03-01 00:00:00 UTC");
        assert_eq!(date(1_709_164_800), "2024-02-29 00:00:00 UTC");
        assert_eq!(date(1_798_761_599), "2026-12-31 23:59:59 UTC");
        assert_eq!(date(4_107_542_400), "2100-03-01 00:00:00 UTC");
        assert_eq!(super::date(i64::MAX), "2262-04-11 23:47:16 UTC");
        assert_eq!(bytes(10_239), "10239 B");
        assert_eq!(bytes(10_240), "10 KiB");
        assert_eq!(bytes(u64::MAX), "15 EiB");
    }
}

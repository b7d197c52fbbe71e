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
        assert_eq!(bytes(10_239), "10239 B");
        assert_eq!(bytes(10_240), "10 KiB");
        assert_eq!(bytes(u64::MAX), "15 EiB");
    }
}

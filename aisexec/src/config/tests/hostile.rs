//! No file can do harm: bounds hold, and thousands of damaged samples neither
//! panic nor produce an error outside the file.

use super::*;

/// xorshift64: the same damage in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }
}

/// What is likely to upset a parser when it appears in the wrong place.
const PIECES: [&[u8]; 16] = [
    b"\n",
    b"{\n",
    b"}\n",
    b"=",
    b":",
    b"#",
    b" # ",
    b"\r",
    b"\0",
    b"\xff\xfe",
    b"unit {\n",
    b"group {",
    b"name",
    b"99999999999999999999",
    b"-1",
    b"\t \t",
];

/// One to eight random edits: bytes flipped, pieces put in, parts cut out,
/// doubled or moved.
fn damage(sample: &[u8], random: &mut Random) -> Vec<u8> {
    let mut text = sample.to_vec();
    for _ in 0..=random.below(8) {
        let at = random.below(text.len());
        let end = (at + random.below(40)).min(text.len());
        match random.below(5) {
            0 if at < text.len() => text[at] ^= 1 << random.below(8),
            1 => drop(text.splice(at..at, PIECES[random.below(PIECES.len())].to_vec())),
            2 => drop(text.drain(at..end)),
            3 => text.extend_from_within(at..end),
            _ => {
                let part: Vec<u8> = text.drain(at..end).collect();
                let to = random.below(text.len());
                text.splice(to..to, part);
            }
        }
    }
    text
}

fn assert_sound<T>(result: Result<T, Vec<ConfigError>>, text: &[u8]) {
    let Err(errors) = result else { return };
    assert!(!errors.is_empty());
    let newlines = text.iter().filter(|&&byte| byte == b'\n').count();
    let lines = (newlines + usize::from(!text.ends_with(b"\n"))).max(1);
    for error in errors {
        let line = error.line.unwrap();
        assert!((1..=lines).contains(&line), "{error} in {:?}", String::from_utf8_lossy(text));
        assert!(!error.message.chars().any(char::is_control), "{error:?}");
        assert!(error.message.len() < 600, "{error}");
    }
}

#[test]
fn damaged_files_give_errors_inside_the_file() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let sample = |file| fs::read(repository(file)).unwrap();
    let groups_samples = [sample("conf/groups.conf"), OLD_GROUPS.into()];
    let network_samples = [sample("conf/network.conf"), OLD_NETWORK.into()];
    let (mut good, mut bad) = (0, 0);
    for round in 0..6000 {
        let text = damage(&groups_samples[round % 2], &mut random);
        let result = groups(&text);
        *(if result.is_ok() { &mut good } else { &mut bad }) += 1;
        assert_sound(result, &text);
        let text = damage(&network_samples[round % 2], &mut random);
        assert_sound(network(&text), &text);
    }
    assert!(good > 100 && bad > 1000, "{good} {bad}");
}

#[test]
fn the_number_of_errors_is_bounded() {
    let text = "}\n".repeat(5000);
    let found = shown(groups(text));
    assert_eq!(found.len(), limits::MAX_ERRORS + 1);
    assert_eq!(found.last().unwrap(), "g:5000: more than 1000 errors; correct those above first");
}

#[test]
fn the_number_of_lines_is_bounded() {
    let text = "\n".repeat(limits::MAX_LINES);
    assert!(groups(&text).is_ok());
    let longer = format!("{text}\n}}\n");
    assert_eq!(shown(groups(&longer)), ["g:200001: more than 200000 lines; remove some"]);
    assert_eq!(shown(network(format!("{OLD_NETWORK}{longer}"))).len(), 1);
}

/// A group of this many units, each with one component, all in one protection
/// group.
fn group_of(units: usize) -> String {
    let mut text = "group {\nname=g\n".to_string();
    for i in 0..units {
        text += &format!("unit {{\nname=u{i}\ncomponent {{\nname=c{i}\nmodel=x_active\n}}\n}}\n");
    }
    text += "protection {\nname=p\n";
    (0..units).for_each(|i| text += &format!("member=c{i}\n"));
    text + "}\n}\n"
}

#[test]
fn the_members_of_a_protection_group_are_bounded() {
    assert_eq!(shown(groups(group_of(256))), [""; 0]);
    let line = 2 + 7 * 257 + 2 + 257;
    let expected = format!("g:{line}: protection `p` has more than 256 members; split it");
    assert_eq!(shown(groups(group_of(257))), [expected]);
}

#[test]
fn the_counts_of_a_file_are_bounded() {
    let found = shown(groups(group_of(limits::MAX_UNITS + 2)));
    let units = found.iter().filter(|error| error.contains("more than 4096 units; remove some"));
    assert_eq!(units.count(), 1);

    let group = |i| group_of(1).replace("=g", &format!("=g{i}")).replace("=u0", &format!("=u{i}"));
    let group = |i| group(i).replace("=c0", &format!("=c{i}")).replace("=p", &format!("=p{i}"));
    let text: String = (0..=limits::MAX_GROUPS).map(group).collect();
    // Each has 14 lines, its name in the second.
    assert_eq!(shown(groups(text)), ["g:3586: more than 256 groups; remove some"]);
}

/// Work grows with the length of a file and not with its square: a file that
/// repeats one thing as often as it can is parsed like any other.
#[test]
fn repetition_is_parsed_to_the_end() {
    for line in ["name=x\n", "member=x\n", "unit {\n", "protection {\n", "x {\n", "groop {\n"] {
        let times = limits::MAX_LINES - 10;
        let text = format!("group {{\nprotection {{\nname=p\n{}", line.repeat(times));
        assert!(groups(text).is_err());
    }
}

//! The shape of groups.conf: nested blocks of `key = value` lines. Keys are
//! matched whole, one construct stands on a line, and `#` begins a comment as
//! the first character of a line or after a blank. What keys and blocks belong
//! where is decided here, what they mean in [`super::groups_conf`].

use super::error::Errors;
use super::limits::MAX_LINES;
use super::text::{self, nearest, quote, split_at};

/// What a block describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Group,
    Unit,
    Component,
    Protection,
}

/// A block with what stands directly in it, in the order of the file.
pub(super) struct Block<'a> {
    pub(super) kind: Kind,
    /// The line that opens the block.
    pub(super) line: usize,
    /// At most one of each key.
    fields: Vec<Field<'a>>,
    /// The `member =` lines, which may be many.
    pub(super) members: Vec<Field<'a>>,
    pub(super) blocks: Vec<Block<'a>>,
}

/// One `key = value` line. The value is not empty.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) line: usize,
    pub(super) key: &'static str,
    pub(super) value: &'a [u8],
}

impl Kind {
    pub(super) const ALL: [Self; 5] =
        [Self::File, Self::Group, Self::Unit, Self::Component, Self::Protection];

    /// The kind of block that this word opens.
    fn of(word: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().skip(1).find(|kind| kind.word().as_bytes() == word)
    }

    /// The word that opens such a block.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Group => "group",
            Self::Unit => "unit",
            Self::Component => "component",
            Self::Protection => "protection",
        }
    }

    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::File => &[],
            Self::Group => &["name", "model", "active-units", "backup-units"],
            Self::Unit => &["name", "node"],
            Self::Component => &[
                "name",
                "model",
                "healthcheck-interval",
                "healthcheck-timeout",
                "callback-timeout",
                "quiesce-timeout",
                "stopping-timeout",
                "component-restart-max",
                "component-restart-probation",
            ],
            Self::Protection => &["name", "active-members", "member"],
        }
    }

    fn inner(self) -> &'static [Self] {
        match self {
            Self::File => &[Self::Group],
            Self::Group => &[Self::Unit, Self::Protection],
            Self::Unit => &[Self::Component],
            Self::Component | Self::Protection => &[],
        }
    }

    /// What may stand in such a block, for a message.
    fn contents(self) -> String {
        let keys = self.keys().iter().map(|key| format!("`{key} =`"));
        let blocks = self.inner().iter().map(|kind| format!("`{} {{`", kind.word()));
        keys.chain(blocks).collect::<Vec<_>>().join(", ")
    }
}

impl<'a> Block<'a> {
    fn new(kind: Kind, line: usize) -> Self {
        Self { kind, line, fields: Vec::new(), members: Vec::new(), blocks: Vec::new() }
    }

    /// The field of a key other than `member`.
    pub(super) fn field(&self, key: &str) -> Option<Field<'a>> {
        self.fields.iter().find(|field| field.key == key).copied()
    }

    /// The block for a message: its word and its name, or its line without one.
    pub(super) fn title(&self) -> String {
        match self.field("name") {
            Some(name) => format!("{} {}", self.kind.word(), quote(name.value)),
            None => format!("{} of line {}", self.kind.word(), self.line),
        }
    }

    pub(super) fn children(&self, kind: Kind) -> impl Iterator<Item = &Self> {
        self.blocks.iter().filter(move |block| block.kind == kind)
    }
}

/// Parses the whole text. What is wrong is added to `errors` and left out of
/// the result.
pub(super) fn parse<'a>(text: &'a [u8], errors: &mut Errors<'_>) -> Block<'a> {
    let mut parser =
        Parser { errors, top: Block::new(Kind::File, 1), outer: Vec::new(), unknown: 0 };
    for (number, line) in text::lines(text) {
        if number > MAX_LINES {
            parser.errors.add(number, format!("more than {MAX_LINES} lines; remove some"));
            break;
        }
        let line = without_comment(line).trim_ascii();
        if !line.is_empty() {
            parser.line(number, line);
        }
    }
    parser.finish()
}

/// The line up to a `#` that is its first character or follows a blank; any
/// other `#` is part of a name.
fn without_comment(line: &[u8]) -> &[u8] {
    let begins = |i: usize| i == 0 || line[i - 1].is_ascii_whitespace();
    let end = (0..line.len()).find(|&i| line[i] == b'#' && begins(i));
    &line[..end.unwrap_or(line.len())]
}

struct Parser<'a, 'e, 'p> {
    errors: &'e mut Errors<'p>,
    /// The innermost open block.
    top: Block<'a>,
    /// The blocks around it, outermost first.
    outer: Vec<Block<'a>>,
    /// How many open blocks are of no known kind; their content is skipped.
    unknown: usize,
}

impl<'a> Parser<'a, '_, '_> {
    fn line(&mut self, number: usize, line: &'a [u8]) {
        match line.iter().copied().find(|byte| matches!(byte, b'=' | b'{')) {
            Some(b'{') => self.open(number, line),
            _ if line == b"}" => self.close(number),
            _ if self.unknown > 0 => {}
            Some(_) => self.assign(number, line),
            None => self.word(number, line),
        }
    }

    /// A line with neither `=` nor `{`.
    fn word(&mut self, number: usize, line: &[u8]) {
        if let Some(kind) = Kind::of(line) {
            let text = format!("`{0}` without `{{`; write `{0} {{` on one line", kind.word());
            self.errors.add(number, text);
            return self.begin(number, kind);
        }
        let kind = self.top.kind;
        let text =
            format!("{} is not understood; a {} has {}", quote(line), kind.word(), kind.contents());
        self.errors.add(number, text);
    }

    fn open(&mut self, number: usize, line: &[u8]) {
        let Some((word, rest)) = split_at(line, b'{') else { return };
        if word.is_empty() {
            let text = "`{` has no word before it; write both on one line, as in `group {`";
            return self.errors.add(number, text);
        }
        if self.unknown > 0 {
            self.unknown += 1;
            return;
        }
        if !rest.is_empty() {
            let text = format!("{} stands after `{{`; put it on a line of its own", quote(rest));
            self.errors.add(number, text);
        }
        match Kind::of(word).or_else(|| self.misspelt(number, word)) {
            Some(kind) => self.begin(number, kind),
            None => self.unknown = 1,
        }
    }

    /// Begins a block where it may stand.
    fn begin(&mut self, number: usize, kind: Kind) {
        if self.close_up_to(number, kind) {
            let outer = std::mem::replace(&mut self.top, Block::new(kind, number));
            self.outer.push(outer);
        } else {
            self.unknown = 1;
        }
    }

    /// Reports a word that opens no known block. The block it is meant to be is
    /// parsed as such, so that errors inside are found in the same run.
    fn misspelt(&mut self, number: usize, word: &[u8]) -> Option<Kind> {
        let allowed = self.top.kind.inner();
        let meant = nearest(word, allowed.iter().map(|kind| kind.word()));
        let advice = match meant {
            Some(meant) => format!("did you mean `{meant} {{`?"),
            None => format!("a {} has {}", self.top.kind.word(), self.top.kind.contents()),
        };
        self.errors.add(number, format!("unknown block {}; {advice}", quote(word)));
        allowed.iter().find(|kind| Some(kind.word()) == meant).copied()
    }

    /// Closes the blocks in which a block of this kind cannot stand: most
    /// likely somebody forgot a `}`. False if it can stand in none of them.
    fn close_up_to(&mut self, number: usize, kind: Kind) -> bool {
        let fits = |block: &Block<'_>| block.kind.inner().contains(&kind);
        if !fits(&self.top) && !self.outer.iter().any(fits) {
            let parent = Kind::ALL.into_iter().find(|parent| parent.inner().contains(&kind));
            let text = format!(
                "`{} {{` cannot stand in a {}; put it into a {}",
                kind.word(),
                self.top.kind.word(),
                parent.unwrap_or(Kind::File).word()
            );
            self.errors.add(number, text);
            return false;
        }
        while !fits(&self.top) {
            let title = self.top.title();
            let text =
                format!("`{} {{` inside {title}; put `}}` before it to end that", kind.word());
            self.errors.add(number, text);
            self.pop();
        }
        true
    }

    fn close(&mut self, number: usize) {
        if self.unknown > 0 {
            self.unknown -= 1;
        } else if !self.pop() {
            self.errors.add(number, "`}` ends nothing here; remove it, or open a block above");
        }
    }

    /// Ends the innermost block; false if none is open.
    fn pop(&mut self) -> bool {
        let Some(outer) = self.outer.pop() else { return false };
        let block = std::mem::replace(&mut self.top, outer);
        self.top.blocks.push(block);
        true
    }

    fn assign(&mut self, number: usize, line: &'a [u8]) {
        let Some((key, value)) = split_at(line, b'=') else { return };
        let kind = self.top.kind;
        let Some(&key) = kind.keys().iter().find(|known| known.as_bytes() == key) else {
            let advice = match nearest(key, kind.keys().iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("a {} has {}", kind.word(), kind.contents()),
            };
            let text = format!("{} is not a key of a {}; {advice}", quote(key), kind.word());
            return self.errors.add(number, text);
        };
        if value.is_empty() {
            return self.errors.add(number, format!("{key} has no value; write it after the `=`"));
        }
        if value.ends_with(b"}") {
            let text = format!("{key} ends with `}}`; put the `}}` on a line of its own");
            return self.errors.add(number, text);
        }
        let field = Field { line: number, key, value };
        if key == "member" {
            self.top.members.push(field);
        } else if let Some(first) = self.top.field(key) {
            let text =
                format!("{key} is given a second time; keep this line or line {}", first.line);
            self.errors.add(number, text);
        } else {
            self.top.fields.push(field);
        }
    }

    fn finish(mut self) -> Block<'a> {
        let last = self.errors.last_line();
        if self.unknown > 0 {
            self.errors.add(last, "the file ends inside an unknown block; add `}`");
        }
        while !self.outer.is_empty() {
            let text = format!("the file ends inside {}; add `}}`", self.top.title());
            self.errors.add(last, text);
            self.pop();
        }
        self.top
    }
}

//! Bytes as lines of 16, with their place before and as text behind them. Lines
//! that are the same as the one before are one star.

use std::io::{self, Write};

const LINE: usize = 16;

/// Takes bytes in order.
pub(super) struct Hex<W> {
    out: W,
    /// The place of the line.
    at: u64,
    line: Vec<u8>,
    last: Vec<u8>,
    is_starred: bool,
}

impl<W: Write> Hex<W> {
    /// Begins at a place.
    pub(super) fn new(out: W, at: u64) -> Self {
        let line = Vec::with_capacity(LINE);
        Self { out, at, line, last: Vec::new(), is_starred: false }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let (head, tail) = bytes.split_at(bytes.len().min(LINE - self.line.len()));
            self.line.extend_from_slice(head);
            bytes = tail;
            if self.line.len() == LINE {
                self.flush_line()?;
            }
        }
        Ok(())
    }

    /// This many zeros, without looking at each.
    pub(super) fn zeros(&mut self, count: u64) -> io::Result<()> {
        const LINES: u64 = LINE as u64;
        let start = count.min((LINES - self.line.len() as u64) % LINES + 2 * LINES);
        // At most three lines.
        self.push(&[0; 3 * LINE][..start as usize])?;
        let whole = (count - start) / LINES * LINES;
        // Those before were stars or became one.
        self.at += whole;
        self.push(&[0; LINE][..(count - start - whole) as usize])
    }

    /// Writes what is left, and the place of the end; what all was written to
    /// comes back.
    pub(super) fn finish(mut self) -> io::Result<W> {
        if !self.line.is_empty() {
            self.last.clear();
            self.flush_line()?;
        }
        writeln!(self.out, "{:08x}", self.at)?;
        Ok(self.out)
    }

    fn flush_line(&mut self) -> io::Result<()> {
        if self.line == self.last {
            if !self.is_starred {
                writeln!(self.out, "*")?;
            }
            self.is_starred = true;
        } else {
            self.is_starred = false;
            write!(self.out, "{:08x} ", self.at)?;
            for index in 0..LINE {
                let gap = if index % 8 == 0 { " " } else { "" };
                match self.line.get(index) {
                    Some(byte) => write!(self.out, "{gap}{byte:02x} ")?,
                    None => write!(self.out, "{gap}   ")?,
                }
            }
            let printable = |byte: &u8| if (b' '..=b'~').contains(byte) { *byte } else { b'.' };
            let text: Vec<u8> = self.line.iter().map(printable).collect();
            writeln!(self.out, " |{}|", String::from_utf8_lossy(&text))?;
        }
        self.at += self.line.len() as u64;
        std::mem::swap(&mut self.last, &mut self.line);
        self.line.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dump(at: u64, fill: impl FnOnce(&mut Hex<&mut Vec<u8>>)) -> String {
        let mut out = Vec::new();
        let mut hex = Hex::new(&mut out, at);
        fill(&mut hex);
        hex.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_have_16_bytes_with_their_text() {
        let text = dump(0, |hex| {
            hex.push(b"The quick").unwrap();
            hex.push(b" brown fox\n\xff").unwrap();
        });
        assert_eq!(
            text,
            "00000000  54 68 65 20 71 75 69 63  6b 20 62 72 6f 77 6e 20  |The quick brown |\n\
             00000010  66 6f 78 0a ff                                    |fox..|\n\
             00000015\n"
        );
        assert_eq!(dump(3, |_| {}), "00000003\n");
    }

    #[test]
    fn zeros_show_as_if_each_had_been_pushed() {
        for before in [0, 1, 15, 16] {
            for count in (0..100).chain([1000, 1024, 1031]) {
                let each = dump(7, |hex| {
                    hex.push(&vec![b'x'; before]).unwrap();
                    hex.push(&vec![0; count]).unwrap();
                    hex.push(b"end").unwrap();
                });
                let together = dump(7, |hex| {
                    hex.push(&vec![b'x'; before]).unwrap();
                    hex.zeros(count as u64).unwrap();
                    hex.push(b"end").unwrap();
                });
                assert_eq!(together, each, "{before} {count}");
            }
        }
        let huge = dump(0, |hex| hex.zeros(1 << 40).unwrap());
        assert_eq!(huge.lines().count(), 3);
        assert!(huge.ends_with("\n*\n10000000000\n"), "{huge}");
    }
}

//! Files of checkpoints, written as docs/CHECKPOINT-FILE.md says by nothing
//! that aisctl has, and what aisctl says when it fails.

use crate::node::Node;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A file in the making.
#[derive(Clone)]
pub(crate) struct Written(Vec<u8>);

impl Written {
    pub(crate) fn new(name: &str, retention: i64) -> Self {
        let mut file = Self(b"AISCKPT\0\x01\0\0\0".to_vec());
        let mut body = Vec::new();
        body.extend((name.len() as u16).to_le_bytes());
        body.extend(name.as_bytes());
        // ACTIVE_REPLICA, checkpointSize, retentionDuration, maxSections,
        // maxSectionSize, maxSectionIdSize, not colocated; time and node.
        body.push(2);
        body.extend(20_000_u32.to_le_bytes());
        body.extend(retention.to_le_bytes());
        body.extend(5_u64.to_le_bytes());
        body.extend(20_000_u32.to_le_bytes());
        body.extend(10_u64.to_le_bytes());
        body.push(0);
        body.extend(0_i64.to_le_bytes());
        body.extend([127, 0, 0, 1]);
        file.record(1, &body);
        file
    }

    /// With the default section, which is empty.
    pub(crate) fn with_default(mut self) -> Self {
        self.section(0, b"", i64::MAX, 0);
        self
    }

    /// How many bytes there are so far.
    pub(crate) fn length(&self) -> usize {
        self.0.len()
    }

    fn record(&mut self, kind: u8, body: &[u8]) {
        self.0.push(kind);
        self.0.extend((body.len() as u32).to_le_bytes());
        self.0.extend(body);
    }

    pub(crate) fn section(&mut self, number: u64, id: &[u8], expiration: i64, size: u32) {
        let mut body = number.to_le_bytes().to_vec();
        body.extend((id.len() as u32).to_le_bytes());
        body.extend(id);
        body.extend(expiration.to_le_bytes());
        body.extend(0_i64.to_le_bytes());
        body.extend(size.to_le_bytes());
        self.record(2, &body);
    }

    pub(crate) fn bytes(&mut self, offset: u32, bytes: &[u8]) {
        let mut body = offset.to_le_bytes().to_vec();
        body.extend(bytes);
        self.record(3, &body);
    }

    pub(crate) fn end(mut self, sections: u64) -> Vec<u8> {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.0);
        let mut body = sections.to_le_bytes().to_vec();
        body.extend(crc.finalize().to_le_bytes());
        self.record(4, &body);
        self.0
    }
}

/// "abra" with three sections, one of them mostly a hole.
pub(crate) fn sample(retention: i64) -> Written {
    let mut file = Written::new("abra", retention);
    file.section(0, b"", i64::MAX, 4);
    file.bytes(0, b"main");
    file.section(3, b"one\x01", 0xffff_ffff, 100_000);
    file.bytes(65_536, b"in the middle");
    file.section(4, b"late", i64::MAX - 1, 0);
    file
}

pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What there is in the directory, by name.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries.map(|of| name(of).into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.path(name), bytes).unwrap();
        text(&self.path(name))
    }
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().into()
}

pub(crate) fn json(node: &Node, arguments: &[&str]) -> Value {
    serde_json::from_str(&node.shown(&[arguments, &["--json"]].concat())).unwrap()
}

/// What aisctl says when it fails.
pub(crate) fn failure(node: &Node, arguments: &[&str]) -> String {
    let output = node.aisctl(arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

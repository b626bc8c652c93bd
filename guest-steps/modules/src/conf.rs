//! The files of modprobe and of systemd-modules-load: lines of bytes, of which only those that matter are changed.

use step_sdk::{Host, Result, WriteOptions};

/// A file's lines.
pub(crate) struct Lines {
    path: &'static str,
    /// Without line ends. A line that ends with `\` and the one behind it are one.
    lines: Vec<Vec<u8>>,
    changed: bool,
}

impl Lines {
    /// The lines of a file; none, if there is no file.
    pub(crate) fn read(path: &'static str, host: &dyn Host) -> Result<Self> {
        let content = host.read_if_there(path)?.unwrap_or_default();
        Ok(Self { path, lines: split(&content), changed: false })
    }

    /// Writes the file if there is something new; every line is ended.
    pub(crate) fn write(&self, host: &dyn Host) -> Result<()> {
        let last_end: &[u8] = if self.lines.is_empty() { b"" } else { b"\n" };
        self.write_with(host, last_end)
    }

    /// As [`Lines::write`], but for the last line's end: so the reference program leaves its options.
    pub(crate) fn write_without_last_end(&self, host: &dyn Host) -> Result<()> {
        self.write_with(host, b"")
    }

    fn write_with(&self, host: &dyn Host, last_end: &[u8]) -> Result<()> {
        if !self.changed {
            return Ok(());
        }
        let content = [self.lines.join(&b'\n').as_slice(), last_end].concat();
        host.write(self.path, &content, &WriteOptions::default())
    }

    /// Whether a line is the module's name and nothing else.
    pub(crate) fn has_line(&self, module: &str) -> bool {
        self.lines.iter().any(|line| is_module(line.trim_ascii(), module))
    }

    /// Whether there is such a directive for the module.
    pub(crate) fn has(&self, directive: &str, module: &str) -> bool {
        self.lines.iter().any(|line| is_directive(line, Some(directive), module))
    }

    pub(crate) fn append(&mut self, line: String) {
        self.lines.push(line.into_bytes());
        self.changed = true;
    }

    /// Removes every directive for the module.
    pub(crate) fn remove(&mut self, module: &str) {
        let before = self.lines.len();
        self.lines.retain(|line| !is_directive(line, None, module));
        self.changed |= self.lines.len() != before;
    }

    /// The lines that are such directives for the module.
    pub(crate) fn directives<'a>(
        &'a mut self,
        directive: &'a str,
        module: &'a str,
    ) -> impl Iterator<Item = &'a mut Vec<u8>> {
        self.lines.iter_mut().filter(move |line| is_directive(line, Some(directive), module))
    }

    /// Takes note of a changed line, and drops empty ones.
    pub(crate) fn tidy(&mut self) {
        self.lines.retain(|line| !line.trim_ascii().is_empty());
        self.changed = true;
    }
}

fn split(content: &[u8]) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut continued = false;
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    for line in content.split(|byte| *byte == b'\n') {
        match lines.last_mut().filter(|_| continued) {
            Some(last) => {
                last.push(b'\n');
                last.extend_from_slice(line);
            }
            None => lines.push(line.to_vec()),
        }
        continued = line.ends_with(b"\\");
    }
    if content.is_empty() { Vec::new() } else { lines }
}

/// The words of a line. Double quotes hold blanks together, and stay; `\` before a line end is a blank.
pub(crate) fn words(line: &[u8]) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut word = Vec::new();
    let mut quoted = false;
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let continuation = byte == b'\\' && matches!(bytes.peek(), Some(b'\n') | None);
        quoted ^= byte == b'"';
        if continuation || (!quoted && byte.is_ascii_whitespace()) {
            words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
        } else {
            word.push(byte);
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

fn is_directive(line: &[u8], directive: Option<&str>, module: &str) -> bool {
    let mut words = words(line).into_iter();
    let (Some(first), Some(second)) = (words.next(), words.next()) else {
        return false;
    };
    !first.starts_with(b"#")
        && directive.is_none_or(|name| first == name.as_bytes())
        && is_module(&second, module)
}

/// Whether two names stand for one module: `-` and `_` are the same.
fn is_module(word: &[u8], module: &str) -> bool {
    let normal = |byte: u8| if byte == b'-' { b'_' } else { byte };
    word.iter().copied().map(normal).eq(module.bytes().map(normal))
}

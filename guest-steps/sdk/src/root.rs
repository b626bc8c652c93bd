//! The image as most steps want to see it: what there is to be, rather than what there is to be done. Each of these looks
//! first and changes nothing where nothing has to change, so that a step may run twice.

use crate::failure::{Failure, FailureCode, Result};
use crate::host::{Host, Kind, Level, WriteOptions};

/// What a step works on: the image, its input files, its log. Another name of the trait [`Host`], which lists the calls of
/// the step contract; the methods of this type are made of them.
pub type Root<'host> = dyn Host + 'host;

/// Whether something had to change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// All was as it should be.
    Unchanged,
    /// Something was changed.
    Changed,
}

impl Outcome {
    /// Whether something was changed.
    #[must_use]
    pub fn changed(self) -> bool {
        self == Self::Changed
    }
}

impl dyn Host + '_ {
    /// Makes `path` a file that holds `content`. A new file has mode 0644, owner 0:0 and, where they are missing, parents;
    /// one that is there keeps mode and owner. A link is followed.
    ///
    /// # Errors
    /// Those of [`Host::read`] and [`Host::write`].
    pub fn ensure_file(&self, path: &str, content: impl AsRef<[u8]>) -> Result<Outcome> {
        let content = content.as_ref();
        if self.read_if_there(path)?.as_deref() == Some(content) {
            return Ok(Outcome::Unchanged);
        }
        self.write(path, content, &WriteOptions { parents: true, ..WriteOptions::default() })?;
        Ok(Outcome::Changed)
    }

    /// Makes `line` one of the lines of the text file `path`, at the end if it is none of them yet.
    ///
    /// # Errors
    /// As [`Self::ensure_file`], and `invalid-argument` when the file is not UTF-8.
    pub fn ensure_line(&self, path: &str, line: &str) -> Result<Outcome> {
        let mut text = self.read_text(path)?.unwrap_or_default();
        if text.lines().any(|present| present == line) {
            return Ok(Outcome::Unchanged);
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(line);
        text.push('\n');
        self.ensure_file(path, text)
    }

    /// Makes `path` a directory with the given mode, with parents (0755, 0:0) where they are missing.
    ///
    /// # Errors
    /// `not-a-directory` when something else is there, and those of the calls.
    pub fn ensure_directory(&self, path: &str, mode: u32) -> Result<Outcome> {
        match self.find(path)? {
            Some(there) if there.kind != Kind::Directory => {
                Err(Failure::new(FailureCode::NotADirectory, format!("`{path}`: is not a directory")))
            }
            Some(there) if there.mode == mode => Ok(Outcome::Unchanged),
            Some(_) => self.set_mode(path, mode).map(|()| Outcome::Changed),
            None => self.make_directory(path, mode, true).map(|()| Outcome::Changed),
        }
    }

    /// Makes `path` a symbolic link that holds `target`. Another link is replaced, nothing else is; the parent must exist.
    ///
    /// # Errors
    /// `already-exists` when something else is there, and those of the calls.
    pub fn ensure_symlink(&self, target: &str, path: &str) -> Result<Outcome> {
        if let Some(there) = self.lfind(path)? {
            if there.kind != Kind::Symlink {
                let message = format!("`{path}`: something else than a link is there");
                return Err(Failure::new(FailureCode::AlreadyExists, message));
            }
            if self.read_link(path)? == target {
                return Ok(Outcome::Unchanged);
            }
            self.remove_file(path)?;
        }
        self.make_symlink(target, path)?;
        Ok(Outcome::Changed)
    }

    /// Makes sure that there is nothing at `path`: removes what is there, however deep. A link is removed itself.
    ///
    /// # Errors
    /// Those of the calls.
    pub fn ensure_absent(&self, path: &str) -> Result<Outcome> {
        if self.lfind(path)?.is_none() {
            return Ok(Outcome::Unchanged);
        }
        self.remove_tree(path)?;
        Ok(Outcome::Changed)
    }

    /// The text of a file, or `None` when there is none.
    ///
    /// # Errors
    /// As [`Host::read`], and `invalid-argument` when it is not UTF-8.
    pub fn read_text(&self, path: &str) -> Result<Option<String>> {
        let Some(content) = self.read_if_there(path)? else { return Ok(None) };
        let text = String::from_utf8(content).map_err(|_| {
            Failure::new(FailureCode::InvalidArgument, format!("`{path}`: is not text in UTF-8"))
        })?;
        Ok(Some(text))
    }

    /// Tells the user what was done.
    pub fn info(&self, message: &str, fields: &[(&str, &str)]) {
        self.log(Level::Info, message, fields);
    }

    /// Tells the user what may hurt later.
    pub fn warn(&self, message: &str, fields: &[(&str, &str)]) {
        self.log(Level::Warn, message, fields);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{MemoryHost, Tree};

    /// Does it three times: the first has to change something, the others nothing.
    fn once(image: Tree, act: impl Fn(&Root) -> Result<Outcome>) -> String {
        let host = MemoryHost::new(image);
        assert_eq!(act(&host), Ok(Outcome::Changed));
        let changes = host.changes();
        for _ in 0..2 {
            assert_eq!(act(&host), Ok(Outcome::Unchanged));
        }
        assert_eq!(host.changes(), changes);
        host.manifest()
    }

    #[test]
    fn a_second_time_changes_nothing() {
        let etc = || Tree::new().directory("/etc", 0o755);
        assert_eq!(
            once(Tree::new(), |root| root.ensure_file("/etc/a", "x")),
            "d 0755 0:0 /etc\nf 0644 0:0 /etc/a \"x\"\n"
        );
        assert_eq!(
            once(etc().file("/etc/a", "one"), |root| root.ensure_line("/etc/a", "two")),
            "d 0755 0:0 /etc\nf 0644 0:0 /etc/a \"one\\ntwo\\n\"\n"
        );
        assert_eq!(
            once(etc(), |root| root.ensure_line("/etc/a", "two")),
            "d 0755 0:0 /etc\nf 0644 0:0 /etc/a \"two\\n\"\n"
        );
        assert_eq!(once(Tree::new(), |root| root.ensure_directory("/a", 0o700)), "d 0700 0:0 /a\n");
        assert_eq!(once(etc(), |root| root.ensure_directory("/etc", 0o700)), "d 0700 0:0 /etc\n");
        let linked = etc().symlink("/etc/l", "b");
        assert_eq!(
            once(linked, |root| root.ensure_symlink("a", "/etc/l")),
            "d 0755 0:0 /etc\nl 0777 0:0 /etc/l -> a\n"
        );
        assert_eq!(
            once(etc().file("/etc/a/b", ""), |root| root.ensure_absent("/etc/a")),
            "d 0755 0:0 /etc\n"
        );
    }

    #[test]
    fn what_is_in_the_way_is_an_error() {
        let host = MemoryHost::new(Tree::new().file("/f", [0xff]).directory("/d", 0o755));
        let root: &Root = &host;
        let code = |result: Result<Outcome>| result.unwrap_err().code;
        assert_eq!(code(root.ensure_directory("/f", 0o755)), FailureCode::NotADirectory);
        assert_eq!(code(root.ensure_symlink("a", "/f")), FailureCode::AlreadyExists);
        assert_eq!(code(root.ensure_file("/d", "")), FailureCode::IsADirectory);
        assert_eq!(code(root.ensure_line("/f", "a")), FailureCode::InvalidArgument);
        assert_eq!(host.changes(), 0);
    }
}

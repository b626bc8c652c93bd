//! ext4, read by `debugfs` and checked by `e2fsck`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::Command;

use fixtures::process::{command, finished, output};

use crate::{Outcome, failed};

/// Fails unless the file system is clean.
///
/// # Errors
/// It is not; the error holds what the checker said.
#[track_caller]
pub fn check(file: &Path) -> Outcome {
    let checked = finished(command("e2fsck").args(["-f", "-n"]).arg(file))?;
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    if checked.status.success() {
        Ok(())
    } else {
        Err(failed(format!("e2fsck on `{}`: {said}", file.display())))
    }
}

/// A name in the tree and what its inode says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Type and permissions in octal, as `100644`.
    pub mode: String,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Number of names.
    pub links: u32,
    /// Time of the last change of the content, in seconds.
    pub modified: String,
    /// Extended attributes as `debugfs` prints them, sorted.
    pub xattrs: Vec<String>,
    /// A file's content, a link's target, a device's number.
    pub content: Vec<u8>,
    inode: u64,
}

/// All names of a file system, by absolute path.
pub struct Tree {
    nodes: BTreeMap<String, Node>,
}

impl Tree {
    /// Reads the whole file system: for small ones.
    ///
    /// # Errors
    /// `debugfs` is missing, or says something that is not understood.
    pub fn read(file: &Path) -> Outcome<Self> {
        let mut nodes = names(file)?;
        let inodes: BTreeSet<u64> = nodes.values().map(|node| node.inode).collect();
        let scratch = tempfile::tempdir()?;
        let commands = inodes.iter().map(|inode| format!("stat <{inode}>\n")).collect();
        let described = script(file, scratch.path(), commands)?;
        let details: BTreeMap<u64, Node> =
            described.into_iter().map(|text| details(&text)).collect::<Outcome<_>>()?;
        let contents = contents(file, &nodes, scratch.path())?;
        for node in nodes.values_mut() {
            let Some(found) = details.get(&node.inode) else {
                return Err(failed(format!("debugfs told nothing of inode {}", node.inode)));
            };
            node.clone_from(found);
            if let Some(content) = contents.get(&node.inode) {
                node.content.clone_from(content);
            }
        }
        Ok(Self { nodes })
    }

    /// What lies at `path`; the path is taken as it is written, without following links.
    ///
    /// # Errors
    /// Nothing lies there.
    #[track_caller]
    pub fn node(&self, path: &str) -> Outcome<&Node> {
        match self.nodes.get(path) {
            Some(node) => Ok(node),
            None => Err(failed(format!("the image has no `{path}`"))),
        }
    }

    /// The text of the file, or the target of the link, at `path`.
    ///
    /// # Errors
    /// Nothing lies there.
    #[track_caller]
    pub fn text(&self, path: &str) -> Outcome<String> {
        match self.nodes.get(path) {
            Some(node) => Ok(String::from_utf8_lossy(&node.content).into_owned()),
            None => Err(failed(format!("the image has no `{path}`"))),
        }
    }

    /// Whether anything lies at `path`.
    pub fn has(&self, path: &str) -> bool {
        self.nodes.contains_key(path)
    }

    /// `MODE UID:GID` of what lies at `path`.
    ///
    /// # Errors
    /// Nothing lies there.
    #[track_caller]
    pub fn owner(&self, path: &str) -> Outcome<String> {
        match self.nodes.get(path) {
            Some(node) => Ok(format!("{} {}:{}", node.mode, node.uid, node.gid)),
            None => Err(failed(format!("the image has no `{path}`"))),
        }
    }

    /// Paths directly or indirectly below `directory`.
    pub fn below(&self, directory: &str) -> Vec<&str> {
        let prefix = format!("{directory}/");
        self.nodes.keys().filter(|path| path.starts_with(&prefix)).map(String::as_str).collect()
    }

    /// One line for each path, without the inode's number: two names of one file name the first of them.
    pub fn manifest(&self) -> BTreeMap<String, String> {
        let mut first: BTreeMap<u64, &str> = BTreeMap::new();
        for (path, node) in &self.nodes {
            first.entry(node.inode).or_insert(path);
        }
        let line = |(path, node): (&String, &Node)| {
            let same = first.get(&node.inode).copied().unwrap_or(path);
            (path.clone(), format!("{} same-as={same}", node.line()))
        };
        self.nodes.iter().map(line).collect()
    }
}

impl Node {
    fn line(&self) -> String {
        let Self { mode, uid, gid, links, modified, xattrs, content, .. } = self;
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let (length, digest) = (content.len(), hasher.finish());
        // A directory's time, links and length tell of what lies in it, which has lines of its own.
        let inside =
            if mode.starts_with('4') { String::new() } else { format!("links={links} at={modified}") };
        format!("{mode} {uid}:{gid} {inside} {xattrs:?} {length} bytes {digest:x}")
    }
}

/// Reads one file of a large file system.
///
/// # Errors
/// It is not there.
#[track_caller]
pub fn text_of(file: &Path, path: &str) -> Outcome<String> {
    let scratch = tempfile::tempdir()?;
    let copy = scratch.path().join("copy");
    let dump = format!("dump \"{path}\" {}", copy.display());
    let ran = finished(command("debugfs").args(["-R", &dump]).arg(file))?;
    if !copy.exists() {
        return Err(failed(format!("no `{path}`: {}", String::from_utf8_lossy(&ran.stderr))));
    }
    Ok(String::from_utf8_lossy(&fs::read(copy)?).into_owned())
}

/// Describes one name of a large file system, without following a link at its end.
///
/// # Errors
/// It is not there.
pub fn node_of(file: &Path, path: &str) -> Outcome<Node> {
    let scratch = tempfile::tempdir()?;
    let texts = script(file, scratch.path(), format!("stat \"{path}\"\n"))?;
    let text = texts.first().ok_or_else(|| failed(format!("nothing about `{path}`")))?;
    Ok(details(text)?.1)
}

/// Runs `debugfs` with a script and returns what it said to each command.
fn script(file: &Path, scratch: &Path, commands: String) -> Outcome<Vec<String>> {
    let path = scratch.join("commands");
    fs::write(&path, commands)?;
    let said = String::from_utf8_lossy(&output(debugfs(file).arg("-f").arg(&path))?).into_owned();
    // It repeats each command behind its prompt before it answers.
    Ok(said.split("debugfs: ").skip(1).map(str::to_owned).collect())
}

fn debugfs(file: &Path) -> Command {
    let mut debugfs = command("debugfs");
    debugfs.arg(file);
    debugfs
}

/// Every path with its inode and mode, level by level from the root.
fn names(file: &Path) -> Outcome<BTreeMap<String, Node>> {
    let scratch = tempfile::tempdir()?;
    let root = Node { mode: "40755".to_owned(), inode: 2, ..Node::default() };
    let mut nodes = BTreeMap::from([("/".to_owned(), root)]);
    let mut level = vec![String::new()];
    while !level.is_empty() {
        let commands = level.iter().map(|directory| format!("ls -p \"{directory}/\"\n")).collect();
        let listings = script(file, scratch.path(), commands)?;
        if listings.len() != level.len() {
            return Err(failed(format!("{} listings of {} directories", listings.len(), level.len())));
        }
        let mut next = Vec::new();
        for (directory, listing) in level.iter().zip(&listings) {
            for (name, node) in listing.lines().filter_map(entry) {
                if directory.is_empty() && name == "." {
                    nodes.insert("/".to_owned(), node);
                } else if name != "." && name != ".." {
                    let path = format!("{directory}/{name}");
                    if node.mode.starts_with('4') {
                        next.push(path.clone());
                    }
                    nodes.insert(path, node);
                }
            }
        }
        level = next;
    }
    Ok(nodes)
}

/// Understands `/12/100644/0/0/hostname/8/`; `None` for other lines and for unused slots.
fn entry(line: &str) -> Option<(&str, Node)> {
    let mut fields = line.strip_prefix('/')?.splitn(5, '/');
    let inode: u64 = fields.next()?.parse().ok()?;
    let mode = fields.next()?.trim_start_matches('0').to_owned();
    let (_uid, _gid, rest) = (fields.next()?, fields.next()?, fields.next()?);
    let name = rest.strip_suffix('/')?.rsplit_once('/')?.0;
    (inode != 0).then(|| (name, Node { mode, inode, ..Node::default() }))
}

/// Understands the answer to `stat`.
fn details(text: &str) -> Outcome<(u64, Node)> {
    let inode = after(text, "Inode: ").and_then(|number| number.parse().ok());
    let inode = inode.ok_or_else(|| failed(format!("not about an inode: {text}")))?;
    let number = |key: &str| after(text, key).and_then(|word| word.parse::<i64>().ok()).unwrap_or(0);
    let modified = after(text, "mtime: ").unwrap_or("").to_owned();
    let mode = mode(text);
    // It prints owners as signed numbers.
    let owner = |key: &str| u32::try_from(number(key).rem_euclid(1 << 32)).unwrap_or(u32::MAX);
    let links = u32::try_from(number("Links: ")).unwrap_or(0);
    let node = Node { uid: owner("User: "), gid: owner("Group: "), links, modified, mode, ..Node::default() };
    Ok((inode, Node { xattrs: xattrs(text), content: target(text), inode, ..node }))
}

/// Type and permissions, as `ls -p` writes them.
fn mode(text: &str) -> String {
    let kind = match after(text, "Type: ").unwrap_or("") {
        "directory" => "4",
        "symlink" => "12",
        "character" => "2",
        "block" => "6",
        "FIFO" => "1",
        _ => "10",
    };
    format!("{kind}{:0>4}", after(text, "Mode:  ").unwrap_or("").trim_start_matches('0'))
}

/// The word behind `key`.
fn after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.split_once(key)?.1.split_whitespace().next()
}

/// The target of a short link or the number of a device.
fn target(text: &str) -> Vec<u8> {
    let link = text.split_once("Fast link dest: \"").and_then(|(_, rest)| rest.split_once("\"\n"));
    let device = text.split_once("Device major/minor number: ").and_then(|(_, rest)| rest.split_once(' '));
    link.or(device).map(|(found, _)| found.as_bytes().to_vec()).unwrap_or_default()
}

fn xattrs(text: &str) -> Vec<String> {
    let Some((_, rest)) = text.split_once("Extended attributes:\n") else { return Vec::new() };
    let lines = rest.lines().take_while(|line| line.starts_with("  "));
    let mut found: Vec<_> = lines.map(|line| line.trim().to_owned()).collect();
    found.sort();
    found
}

/// What regular files and long links hold, by inode.
fn contents(file: &Path, nodes: &BTreeMap<String, Node>, scratch: &Path) -> Outcome<BTreeMap<u64, Vec<u8>>> {
    let holds_data = |node: &&Node| node.mode.starts_with("10") || node.mode.starts_with("12");
    let inodes: BTreeSet<u64> = nodes.values().filter(holds_data).map(|node| node.inode).collect();
    let copy = |inode: &u64| scratch.join(format!("content-{inode}"));
    let commands = inodes.iter().map(|inode| format!("dump <{inode}> {}\n", copy(inode).display())).collect();
    script(file, scratch, commands)?;
    let mut contents = BTreeMap::new();
    for inode in inodes {
        // A short link has no data: its target stands in the inode.
        if let Ok(content) = fs::read(copy(&inode))
            && !content.is_empty()
        {
            contents.insert(inode, content);
        }
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_a_listing_is_understood() {
        let (name, node) = entry("/12/100644/0/0/a/b c/8/").unwrap();
        assert_eq!((name, node.inode, node.mode.as_str()), ("a/b c", 12, "100644"));
        let (name, node) = entry("/2/040755/0/0/..//").unwrap();
        assert_eq!((name, node.mode.as_str()), ("..", "40755"));
        assert_eq!(entry("/0/000000/0/0/gone/0/"), None);
    }

    #[test]
    fn owners_beyond_two_billion_are_not_negative() {
        let text =
            "Inode: 69   Type: regular    Mode:  0600   Flags: 0x80000\nUser: -94967295   Group:     7\n";
        let (inode, node) = details(text).unwrap();
        assert_eq!((inode, node.uid, node.gid), (69, 4_200_000_001, 7));
    }

    #[test]
    fn attributes_are_taken_whole() {
        let text = "Inode: 5 \nExtended attributes:\n  user.b (1) = \"x\"\n  user.a (2) = 01 02 \nInode checksum: 0\n";
        assert_eq!(xattrs(text), ["user.a (2) = 01 02", "user.b (1) = \"x\""]);
    }
}

//! Projects to start with: the examples in `examples/steps`, under another name.

use crate::error::{Error, ErrorKind, Result};
use std::str::FromStr;

/// Path and content.
type Embedded = (&'static str, &'static [u8]);

include!(concat!(env!("OUT_DIR"), "/projects.rs"));

/// Bytes in a step's name.
pub const MAX_NAME: usize = 64;

/// The step that the examples are.
const EXAMPLE: &str = "motd";

/// What is the same in every project: the kit for Rust and the contract.
const SHARED: [&str; 2] = ["sdk/", "wit/"];

/// What a project can be written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Language {
    /// Rust.
    Rust,
    /// JavaScript.
    JavaScript,
    /// Python.
    Python,
    /// C.
    C,
    /// Go.
    Go,
}

/// One file of a project.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProjectFile {
    /// Relative to the project's directory, with `/`; holds no `..`.
    pub path: String,
    /// What it holds.
    pub content: Vec<u8>,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Rust, Self::JavaScript, Self::Python, Self::C, Self::Go];

    /// As the flag `--language` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::JavaScript => "js",
            Self::Python => "python",
            Self::C => "c",
            Self::Go => "go",
        }
    }
}

impl FromStr for Language {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|language| language.name() == text).ok_or_else(|| {
            Error::new(
                ErrorKind::UnknownLanguage,
                format!("there is no project in `{}`", text.escape_debug()),
            )
        })
    }
}

/// The files of a project that builds a step called `name`, sorted by path. Its `build.sh` writes `step.wasm`, a component
/// or a module for [`crate::make_component`].
///
/// # Errors
/// [`ErrorKind::InvalidName`].
pub fn project(language: Language, name: &str) -> Result<Vec<ProjectFile>> {
    check_name(name)?;
    let files = PROJECTS.iter().find(|(of, _)| *of == language.name()).map_or(&[][..], |(_, files)| files);
    let mut files: Vec<ProjectFile> = files.iter().map(|(path, content)| file(path, content, name)).collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn check_name(name: &str) -> Result<()> {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if name.len() <= MAX_NAME && name.split('-').all(word) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidName, format!("`{}` cannot name a step", name.escape_debug())))
}

fn file(path: &str, content: &[u8], name: &str) -> ProjectFile {
    let text = match std::str::from_utf8(content) {
        Ok(text) if !SHARED.iter().any(|shared| path.starts_with(shared)) => text,
        _ => return ProjectFile { path: path.to_owned(), content: content.to_vec() },
    };
    let mut text = text.replace(EXAMPLE, name);
    if path == "Cargo.lock" {
        text = sorted_packages(&text);
    }
    ProjectFile { path: path.replace(EXAMPLE, name), content: text.into_bytes() }
}

/// A lock file names its packages in order, and cargo insists on it when it may not change the file.
fn sorted_packages(lock: &str) -> String {
    const START: &str = "[[package]]\n";
    let mut parts = lock.split(START);
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut packages: Vec<&str> = parts.map(str::trim_end).collect();
    packages.sort_by_key(|package| {
        let value = |line: Option<&str>| line.and_then(|line| line.split('"').nth(1)).map(str::to_owned);
        let mut lines = package.lines();
        (value(lines.next()), value(lines.next()))
    });
    for (index, package) in packages.iter().enumerate() {
        text.push_str(if index == 0 { "" } else { "\n" });
        text.push_str(START);
        text.push_str(package);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content<'a>(files: &'a [ProjectFile], path: &str) -> &'a str {
        let file = files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}"));
        std::str::from_utf8(&file.content).unwrap()
    }

    #[test]
    fn every_language_has_a_project_under_the_new_name() {
        for language in Language::ALL {
            let files = project(language, "front-door").unwrap();
            for needed in ["build.sh", ".gitignore", "README.md", "tests/greeting/settings.json"] {
                content(&files, needed);
            }
            for file in &files {
                let shared = SHARED.iter().any(|shared| file.path.starts_with(shared));
                assert!(!file.path.contains("..") && !file.path.starts_with('/'), "{}", file.path);
                assert!(!file.path.ends_with(".wasm"), "{}", file.path);
                let text = String::from_utf8_lossy(&file.content);
                assert!(shared || !text.contains(EXAMPLE), "{language:?} {}", file.path);
            }
        }
        let files = project(Language::Rust, "front-door").unwrap();
        assert!(content(&files, "src/lib.rs").contains("\"/etc/front-door\""));
        assert!(content(&files, "Cargo.toml").contains("name = \"step-front-door\""));
        assert!(content(&files, "sdk/wit/world.wit").contains("package customizer:step@0.1.0"));
        assert!(content(&files, "sdk/derive/src/lib.rs").contains("proc_macro"));
    }

    #[test]
    fn every_language_gets_the_contract() {
        for language in [Language::JavaScript, Language::Python, Language::C, Language::Go] {
            let files = project(language, "a").unwrap();
            for (name, text) in crate::contract() {
                assert_eq!(content(&files, &format!("wit/{name}")), *text);
            }
        }
    }

    #[test]
    fn the_guide_shows_the_example_as_it_is_built() {
        let guide = include_str!("../../../docs/steps.md");
        let example = include_str!("../../../examples/steps/rust/motd/src/lib.rs");
        assert!(guide.contains(example), "docs/steps.md and examples/steps/rust/motd/src/lib.rs differ");
    }

    #[test]
    fn names_are_words_joined_by_hyphens() {
        let longest = "x".repeat(MAX_NAME);
        for name in ["a", "motd", "front-door", "a-1-b", "3d", &longest] {
            assert!(project(Language::C, name).is_ok(), "{name}");
        }
        let too_long = "x".repeat(MAX_NAME + 1);
        for name in ["", "-", "a-", "-a", "a--b", "A", "a_b", "a/b", "..", "ä", "a b", "a\n", &too_long] {
            let error = project(Language::C, name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidName, "{name}");
        }
    }

    #[test]
    fn languages_are_known_by_their_names() {
        for language in Language::ALL {
            assert_eq!(language.name().parse::<Language>().unwrap(), language);
        }
        assert_eq!("perl".parse::<Language>().unwrap_err().kind(), ErrorKind::UnknownLanguage);
    }

    #[test]
    fn packages_of_a_lock_file_stay_in_order() {
        let lock = |names: [&str; 3]| {
            let packages: Vec<String> = names
                .iter()
                .map(|name| format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n"))
                .collect();
            format!("# By Cargo.\nversion = 4\n\n{}", packages.join("\n"))
        };
        assert_eq!(sorted_packages(&lock(["b", "step-a", "c"])), lock(["b", "c", "step-a"]));
        let real = project(Language::Rust, "motd").unwrap();
        assert_eq!(content(&real, "Cargo.lock"), sorted_packages(content(&real, "Cargo.lock")));
    }
}

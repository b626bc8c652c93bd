//! Files → checked configuration: reading, the chain of base configurations, command-line values.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::decode::{Decoder, Value, clip};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::encoding::Text;
use crate::inject::PackageList;
use crate::model::{BaseConfig, Config};
use crate::options::{LoadOptions, Mode};
use crate::path;
use crate::policy;
use crate::resolved::{ConfigFile, EffectivePackages, ResolvedConfig};
use crate::rule::Rule;
use crate::source::{FileId, Located, SourceFile, Sources, Span};
use crate::validate::{PasswordPolicy, check};
use crate::yaml::{self, Behind, Document, Kind};

/// All files of a run have at most so many bytes together.
const MAX_BYTES: u64 = 64 << 20;
/// The most files of a chain.
const MAX_FILES: usize = 10_000;

/// Reads a configuration, its base configurations and its package lists, and checks them with the
/// command-line values. Files that are only named (sources, scripts, keys, images) are not looked at:
/// that is [`ResolvedConfig::validate_resources`].
///
/// # Errors
/// All that is wrong, as far as it could be looked at.
pub fn load(file: &Path, options: &LoadOptions) -> Result<ResolvedConfig, Diagnostics> {
    let mut reader = Reader::default();
    let absolute = reader.absolute(file)?;
    let config: Config = reader.read(&absolute)?;
    reader.fail_if_any(options.check())?;
    let mut chain = Chain { reader, seen: HashSet::new(), files: Vec::new(), passwords: options.passwords };
    chain.add(absolute, config)?;
    let Chain { mut reader, files, .. } = chain;
    let (sources, secrets) = (reader.sources.clone(), reader.secrets.clone());
    let mut resolved = ResolvedConfig::new(files, sources, secrets, options.clone());
    let mut problems = resolved.check_files();
    if problems.is_empty() {
        let lists = resolved.files().iter().map(|file| read_package_lists(&mut reader, file));
        let packages = lists.collect::<Result<Vec<_>, _>>()?;
        resolved.set_packages(packages, reader.sources.clone());
    }
    problems.extend(resolved.check_options());
    if problems.is_empty() && options.mode != Mode::ValidateConfig {
        problems = reader.unsupported;
    }
    if problems.is_empty() { Ok(resolved) } else { Err(resolved.fail(problems)) }
}

/// Reads a configuration from memory, as a fuzz target and tests do: without base configurations.
///
/// # Errors
/// All that is wrong with the text.
pub fn check_text(text: &[u8], name: &Path, passwords: PasswordPolicy) -> Result<Config, Diagnostics> {
    let mut reader = Reader::default();
    let config = reader.parse(text, name)?;
    reader.fail_if_any(check(&config, passwords))?;
    Ok(config)
}

fn read_package_lists(reader: &mut Reader, file: &ConfigFile) -> Result<EffectivePackages, Diagnostics> {
    let Some(os) = &file.config.os else { return Ok(EffectivePackages::default()) };
    let packages = &os.packages;
    let mut collect = |lists: &[Located<String>], inline: &[Located<String>]| {
        let mut all = Vec::new();
        for list in lists {
            let listed: PackageList =
                reader.read_named(&file.resolve(list), list.at, "Packages:InvalidPackageListFile")?;
            all.extend(listed.packages);
        }
        all.extend_from_slice(inline);
        Ok(all)
    };
    Ok(EffectivePackages {
        remove: collect(&packages.remove_lists, &packages.remove)?,
        install: collect(&packages.install_lists, &packages.install)?,
        update: collect(&packages.update_lists, &packages.update)?,
    })
}

/// Follows `baseConfigs`, depth first. No recursion: a chain can be long.
struct Chain {
    reader: Reader,
    seen: HashSet<PathBuf>,
    files: Vec<ConfigFile>,
    passwords: PasswordPolicy,
}

/// A file whose base configurations are being read, and how many of them were.
struct Waiting {
    file: ConfigFile,
    bases_read: usize,
}

impl Chain {
    fn add(&mut self, path: PathBuf, config: Config) -> Result<(), Diagnostics> {
        self.reader.fail_if_any(check(&config, self.passwords))?;
        let mut waiting = vec![Waiting { file: ConfigFile::new(path, config), bases_read: 0 }];
        while let Some(mut top) = waiting.pop() {
            let bases = top.file.config.base_configs.as_deref().unwrap_or_default();
            let Some(base) = bases.get(top.bases_read) else {
                self.files.push(top.file);
                continue;
            };
            let read = self.read_base(&top.file, base);
            // Whatever is wrong inside a base configuration is wrong with the base configurations.
            let read = match waiting.is_empty() {
                true => read?,
                false => read.map_err(|problems| problems.within(INVALID_BASES))?,
            };
            top.bases_read += 1;
            waiting.push(top);
            waiting.extend(read.map(|file| Waiting { file, bases_read: 0 }));
        }
        Ok(())
    }

    fn read_base(&mut self, file: &ConfigFile, base: &BaseConfig) -> Result<Option<ConfigFile>, Diagnostics> {
        let Some(path) = &base.path else { return Ok(None) };
        let absolute = file.resolve(path);
        let fail =
            |message: String| Diagnostic::new(Rule::BaseConfigRepeated, "baseConfigs", path.at, message);
        if !self.seen.insert(absolute.clone()) {
            let problem = fail(format!("the base configuration `{}` is reached twice", clip(path)));
            return Err(self.reader.fail(vec![problem.hint("list each file once in the whole chain")]));
        }
        if self.seen.len() > MAX_FILES {
            return Err(self.reader.fail(vec![fail(format!("the chain has more than {MAX_FILES} files"))]));
        }
        let config = self.reader.read_named(&absolute, path.at, INVALID_BASES)?;
        let checked = self.reader.fail_if_any(check(&config, self.passwords));
        checked.map_err(|problems| problems.within(INVALID_BASES))?;
        Ok(Some(ConfigFile::new(absolute, config)))
    }
}

/// The error name of what is wrong with a base configuration.
const INVALID_BASES: &str = "Validation:InvalidBaseConfigs";

/// Reads files, and remembers their texts for messages.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    sources: Sources,
    /// How many bytes were read, at most [`MAX_BYTES`].
    bytes: u64,
    secrets: Vec<Span>,
    /// What is valid, but cannot be carried out.
    unsupported: Vec<Diagnostic>,
    form: Form,
}

/// How strictly a file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// As the reference program does it.
    #[default]
    Configuration,
    /// Nothing may be passed over that somebody may take for a rule.
    Policy,
}

impl Reader {
    /// One for files of this form.
    pub(crate) fn of(form: Form) -> Self {
        Self { form, ..Self::default() }
    }

    /// The absolute form of a path from the command line.
    pub(crate) fn absolute(&self, file: &Path) -> Result<PathBuf, Diagnostics> {
        let absolute = std::path::absolute(file).map_err(|error| {
            let message = format!("cannot tell where `{}` is: {error}", file.display());
            self.fail(vec![Diagnostic::new(Rule::FileRead, "", Span::default(), message)])
        })?;
        Ok(path::clean(&absolute))
    }

    pub(crate) fn fail(&self, problems: Vec<Diagnostic>) -> Diagnostics {
        Diagnostics::new(problems, self.sources.clone(), self.secrets.clone())
    }

    pub(crate) fn fail_if_any(
        &self,
        problems: impl IntoIterator<Item = Diagnostic>,
    ) -> Result<(), Diagnostics> {
        let problems: Vec<_> = problems.into_iter().collect();
        if problems.is_empty() { Ok(()) } else { Err(self.fail(problems)) }
    }

    /// Fails when what was read cannot all be carried out.
    pub(crate) fn fail_if_unsupported(&mut self) -> Result<(), Diagnostics> {
        let problems = std::mem::take(&mut self.unsupported);
        self.fail_if_any(problems)
    }

    /// Reads a file that another one names at `at`; failures carry the error name.
    fn read_named<T: Value + Default>(
        &mut self,
        file: &Path,
        at: Span,
        name: &'static str,
    ) -> Result<T, Diagnostics> {
        let refused = |reason: String| Diagnostic::new(Rule::FileRead, "", at, reason);
        let problem = match fs::metadata(file) {
            Err(error) => Some(refused(format!("cannot read `{}`: {error}", file.display()))),
            Ok(metadata) if !metadata.is_file() => {
                Some(refused(format!("`{}` is not a regular file", file.display())))
            }
            Ok(_) => None,
        };
        match problem {
            Some(problem) => Err(self.fail(vec![problem]).within(name)),
            None => self.read(file).map_err(|problems| problems.within(name)),
        }
    }

    /// As [`Reader::read`]; a pipe, which could be waited for without end, is refused.
    pub(crate) fn read_regular<T: Value + Default>(&mut self, file: &Path) -> Result<T, Diagnostics> {
        if fs::metadata(file).is_ok_and(|metadata| !metadata.is_file()) {
            let message = format!("`{}` is not a regular file", file.display());
            return Err(self.fail(vec![Diagnostic::new(Rule::FileRead, "", Span::default(), message)]));
        }
        self.read(file)
    }

    /// Reads and decodes a file.
    pub(crate) fn read<T: Value + Default>(&mut self, file: &Path) -> Result<T, Diagnostics> {
        let bytes = read_bytes(file, MAX_BYTES.saturating_sub(self.bytes)).map_err(|reason| {
            let message = format!("cannot read `{}`: {reason}", file.display());
            self.fail(vec![Diagnostic::new(Rule::FileRead, "", Span::default(), message)])
        })?;
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.parse(&bytes, file)
    }

    /// Decodes the bytes of a file.
    fn parse<T: Value + Default>(&mut self, bytes: &[u8], file: &Path) -> Result<T, Diagnostics> {
        let id = self.sources.add(SourceFile::new(file.to_owned(), Text::decode(bytes)));
        let Some(source) = self.sources.file(id).cloned() else {
            return Err(self.fail(vec![empty_file(file)]));
        };
        let behind = match self.form {
            Form::Configuration => Behind::Anything,
            Form::Policy => Behind::Nothing,
        };
        let document = match yaml::parse(&source, id, behind) {
            Ok(Some(document)) => document,
            Ok(None) => return Err(self.fail(vec![empty_file(file)])),
            Err(refusal) => {
                let mut problem = Diagnostic::new(refusal.rule, "", refusal.at, refusal.message);
                problem.hint = refusal.hint;
                return Err(self.fail(vec![problem]));
            }
        };
        self.secrets.extend(secret_places(&document, id));
        if self.form == Form::Policy {
            self.fail_if_any(policy::nulls(&document))?;
        }
        let mut decoder = Decoder::new(&document);
        let value = decoder.root();
        let found = decoder.finish();
        self.secrets.extend(found.unknown_values);
        self.unsupported.extend(found.unsupported);
        self.fail_if_any(found.problems)?;
        Ok(value)
    }
}

fn empty_file(file: &Path) -> Diagnostic {
    let message = format!("`{}` holds no configuration", file.display());
    Diagnostic::new(Rule::FileEmpty, "", Span::default(), message).hint("write `{}` for an empty one")
}

/// Reads a file of at most `most` bytes.
fn read_bytes(file: &Path, most: u64) -> Result<Vec<u8>, String> {
    let opened = File::open(file).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    opened.take(most + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if length <= most {
        return Ok(bytes);
    }
    Err(format!("the configuration and the files that it includes have more than {} MiB", MAX_BYTES >> 20))
}

/// The places of values that must not be shown, found by the names of their keys alone, so that they
/// are known before anything is decoded.
fn secret_places(document: &Document, file: FileId) -> Vec<Span> {
    const SECRET_KEYS: [&str; 3] = ["value", "content", "environmentVariables"];
    let mut places = Vec::new();
    for (key, value) in document.pairs() {
        let (Some(key), Some(value)) = (document.raw(key), document.raw(value)) else { continue };
        let Kind::Scalar { text: key, .. } = &key.kind else { continue };
        let is_text = matches!(value.kind, Kind::Scalar { .. });
        if SECRET_KEYS.contains(&key.as_str()) || (key == "password" && is_text) {
            places.push(value.at);
            if let Kind::Alias { target: Some(target), .. } = value.kind {
                places.extend(document.raw(target).map(|target| target.at));
            }
        }
    }
    debug_assert!(places.iter().all(|place| place.file == file));
    places
}

impl LoadOptions {
    /// Whether something that a complete run needs may be missing.
    pub(crate) fn tolerates_missing(&self) -> bool {
        self.mode == Mode::ValidateConfig
    }
}

//! The units that one call deals with: finding them, reading them, following links between names.

use std::collections::{BTreeMap, VecDeque};

use step_sdk::{FailureCode, Host, Kind, Result};

use crate::install_section::InstallSection;
use crate::parse::install_assignments;
use crate::problem::Problem;
use crate::search_path::{SearchPath, file_name, is_config, join, parent, resolve_existing, resolve_parent};
use crate::unit_name::{self, Form};

/// Links between unit names that are followed.
const MOST_LINKS: usize = 64;
/// Units that one call may lead to by `Also=`.
const MOST_UNITS: usize = 4096;
/// Bytes of a unit file.
const LARGEST_FILE: u64 = 8 << 20;

/// What was found under a unit's name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    /// A unit file.
    Regular,
    /// A link to a file outside the search path.
    Linked,
    /// A link to another unit.
    Alias,
    /// An empty file, or a link to one or to `/dev/null`.
    Masked,
}

/// One unit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unit {
    pub(crate) name: String,
    /// Where it was found. Kept as found: this is what links will hold.
    pub(crate) path: Option<String>,
    pub(crate) mode: Option<Mode>,
    /// Only another unit's `Also=` names it.
    pub(crate) auxiliary: bool,
    pub(crate) install: InstallSection,
    target: Option<String>,
}

impl Unit {
    /// The unit's path, for messages and links.
    pub(crate) fn path(&self) -> &str {
        self.path.as_deref().unwrap_or(&self.name)
    }
}

/// How units are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    /// Read the files, not only look for them.
    pub(crate) load: bool,
    /// Follow links below `/etc` and `/run`.
    pub(crate) follow_config: bool,
}

/// The units of one call.
pub(crate) struct Context<'a> {
    pub(crate) host: &'a dyn Host,
    pub(crate) paths: &'a SearchPath,
    units: BTreeMap<String, Unit>,
    waiting: VecDeque<String>,
}

impl<'a> Context<'a> {
    /// No units yet.
    pub(crate) fn new(host: &'a dyn Host, paths: &'a SearchPath) -> Self {
        Self { host, paths, units: BTreeMap::new(), waiting: VecDeque::new() }
    }

    /// The next unit that was not dealt with yet.
    pub(crate) fn next_waiting(&mut self) -> Option<String> {
        self.waiting.pop_front()
    }

    /// A unit that was added.
    pub(crate) fn unit(&self, name: &str) -> Result<&Unit, Problem> {
        self.units.get(name).ok_or_else(|| Problem::Missing(name.to_owned()))
    }

    /// Adds a unit by name or by the path of its file; gives the name.
    pub(crate) fn add(&mut self, name_or_path: &str, auxiliary: bool) -> Result<String, Problem> {
        let path = name_or_path.starts_with('/').then(|| name_or_path.to_owned());
        let name = file_name(name_or_path).to_owned();
        if !unit_name::is_valid(&name) {
            return Err(Problem::other(format!("`{}` is no unit name", name.escape_debug())));
        }
        if let Some(unit) = self.units.get_mut(&name) {
            unit.auxiliary &= auxiliary;
            return Ok(name);
        }
        if self.units.len() >= MOST_UNITS {
            return Err(Problem::other(format!("`Also=` leads to more than {MOST_UNITS} units")));
        }
        let unit = Unit { name: name.clone(), path, auxiliary, ..Unit::default() };
        self.units.insert(name.clone(), unit);
        self.waiting.push_back(name.clone());
        Ok(name)
    }

    /// Finds the unit and follows links from name to name; gives the name at the end.
    pub(crate) fn traverse(&mut self, start: &str, search: Search) -> Result<String, Problem> {
        let mut name = start.to_owned();
        self.find(&name, search)?;
        for _ in 0..=MOST_LINKS {
            let unit = self.unit(&name)?;
            let mode = match unit.mode {
                Some(mode @ (Mode::Alias | Mode::Linked)) => mode,
                _ => return Ok(name),
            };
            if !search.follow_config && is_config(unit.path()) {
                return Err(Problem::Linked(name));
            }
            match alias_target(unit, mode)? {
                None => self.follow(&name, search)?,
                Some(target) => {
                    name = self.add(&target, false)?;
                    self.find(&name, search).map_err(|problem| match problem {
                        Problem::Missing(_) => Problem::Dangling(start.to_owned()),
                        other => other,
                    })?;
                }
            }
        }
        Err(Problem::Linked(start.to_owned()))
    }

    /// Finds the unit's file, reads it and its drop-ins; does nothing if that was done before.
    fn find(&mut self, name: &str, search: Search) -> Result<(), Problem> {
        let mut unit = self.unit(name)?.clone();
        if unit.mode.is_some() {
            return Ok(());
        }
        match unit.path.clone() {
            Some(path) => self.look(&mut unit, &path, search)?,
            None => {
                self.look_everywhere(&mut unit, search)?;
                if search.load && unit.mode != Some(Mode::Masked) {
                    self.read_drop_ins(&mut unit)?;
                }
            }
        }
        self.store(unit)
    }

    /// Goes on at a link's end, under the same name.
    fn follow(&mut self, name: &str, search: Search) -> Result<(), Problem> {
        let mut unit = self.unit(name)?.clone();
        let target = unit.target.take();
        let target =
            target.ok_or_else(|| Problem::other(format!("unit `{name}` is a link without an end")))?;
        unit.mode = None;
        unit.path = Some(target.clone());
        self.look(&mut unit, &target, search)?;
        self.store(unit)
    }

    fn store(&mut self, unit: Unit) -> Result<(), Problem> {
        let also = unit.install.also.clone();
        self.units.insert(unit.name.clone(), unit);
        also.iter().try_for_each(|name| self.add(name, true).map(drop))
    }

    /// The first directory that holds the name counts; an instance may come from its template.
    fn look_everywhere(&self, unit: &mut Unit, search: Search) -> Result<(), Problem> {
        let template =
            unit_name::template(&unit.name).filter(|_| unit_name::form(&unit.name) == Some(Form::Instance));
        for name in [Some(unit.name.clone()), template].into_iter().flatten() {
            for directory in self.paths.directories() {
                let path = join(directory, &name);
                match self.look(unit, &path, search) {
                    Ok(()) => {
                        unit.path = Some(path);
                        return Ok(());
                    }
                    Err(Problem::Missing(_)) => {}
                    Err(problem) => return Err(problem),
                }
            }
        }
        Err(Problem::Missing(unit.name.clone()))
    }

    /// Sees what lies at a path and reads it.
    fn look(&self, unit: &mut Unit, path: &str, search: Search) -> Result<(), Problem> {
        if unit_name::form(&unit.name) != Some(Form::Plain) && !unit_name::may_template(&unit.name) {
            return Err(Problem::other(format!("units like `{}` cannot be templates", unit.name)));
        }
        let found = self.host.lstat(path).map_err(|cause| match cause.code {
            FailureCode::NotFound | FailureCode::NotADirectory => Problem::Missing(unit.name.clone()),
            _ => Problem::Failed(cause),
        })?;
        unit.mode = Some(match found.kind {
            Kind::Symlink => self.read_link(unit, path)?,
            Kind::CharDevice | Kind::BlockDevice => Mode::Masked,
            Kind::Regular if found.size == 0 => Mode::Masked,
            Kind::Regular => {
                if search.load {
                    self.read_file(unit, path, found.size)?;
                }
                Mode::Regular
            }
            _ => return Err(Problem::other(format!("`{path}` is no file"))),
        });
        Ok(())
    }

    fn read_link(&self, unit: &mut Unit, path: &str) -> Result<Mode, Problem> {
        let text = self.host.read_link(path)?;
        let absolute = if text.starts_with('/') { text } else { join(parent(path), &text) };
        let target = resolve_parent(self.host, &absolute)?;
        let is_alias = self.paths.is_above(&target);
        if is_alias && !is_valid_alias(file_name(path), file_name(&target)) {
            return Err(Problem::other(format!(
                "`{path}` is a link to `{target}`, which cannot be another name of it"
            )));
        }
        if is_alias && file_name(path) == file_name(&target) {
            return Err(Problem::Linked(unit.name.clone()));
        }
        let is_mask = self.is_null(&target)?;
        unit.target = Some(target);
        Ok(match (is_mask, is_alias) {
            (true, _) => Mode::Masked,
            (false, true) => Mode::Alias,
            (false, false) => Mode::Linked,
        })
    }

    /// Whether the path leads to `/dev/null` or to an empty file. In an image, `/dev` may be empty.
    fn is_null(&self, path: &str) -> Result<bool, Problem> {
        if path == "/dev/null" {
            return Ok(true);
        }
        match self.host.stat(path) {
            Ok(found) => Ok(match found.kind {
                Kind::Regular => found.size == 0,
                kind => matches!(kind, Kind::CharDevice | Kind::BlockDevice),
            }),
            Err(cause) if matches!(cause.code, FailureCode::NotFound | FailureCode::NotADirectory) => {
                Ok(resolve_existing(self.host, path)? == "/dev/null")
            }
            Err(cause) => Err(cause.into()),
        }
    }

    fn read_file(&self, unit: &mut Unit, path: &str, size: u64) -> Result<(), Problem> {
        if size > LARGEST_FILE {
            return Err(Problem::other(format!("`{path}` is larger than {} MiB", LARGEST_FILE >> 20)));
        }
        let text = self.host.read(path)?;
        let assignments =
            install_assignments(&text).map_err(|problem| Problem::other(format!("`{path}`: {problem}")))?;
        unit.install.add(&unit.name, &assignments, self.host)
    }

    /// Reads `NAME.d/*.conf`, for an instance also those of its template, in the order of the files' names.
    fn read_drop_ins(&self, unit: &mut Unit) -> Result<(), Problem> {
        let template =
            unit_name::template(&unit.name).filter(|_| unit_name::form(&unit.name) == Some(Form::Instance));
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for name in [Some(unit.name.clone()), template].into_iter().flatten() {
            for directory in self.paths.directories() {
                let directory = join(directory, &format!("{name}.d"));
                for file in self.conf_files(&directory)? {
                    let path = join(&directory, &file);
                    files.entry(file).or_insert(path);
                }
            }
        }
        for path in files.values() {
            let found = self.host.stat(path).map_err(|cause| match cause.code {
                FailureCode::NotFound => Problem::Missing(unit.name.clone()),
                _ => Problem::Failed(cause),
            })?;
            match found.kind {
                Kind::Regular => self.read_file(unit, path, found.size)?,
                Kind::CharDevice | Kind::BlockDevice => {}
                _ => return Err(Problem::other(format!("`{path}` is no file"))),
            }
        }
        Ok(())
    }

    fn conf_files(&self, directory: &str) -> Result<Vec<String>, Problem> {
        let entries = match self.host.list_directory(directory) {
            Ok(entries) => entries,
            Err(cause) if matches!(cause.code, FailureCode::NotFound | FailureCode::NotADirectory) => {
                return Ok(Vec::new());
            }
            Err(cause) => return Err(cause.into()),
        };
        let is_conf = |entry: &step_sdk::Entry| {
            matches!(entry.kind, Kind::Regular | Kind::Symlink)
                && entry.name.ends_with(".conf")
                && !entry.name.starts_with('.')
                && entry.addressable
        };
        Ok(entries.into_iter().filter(is_conf).map(|entry| entry.name).collect())
    }
}

/// The unit that a link stands for; `None` when the link's end is to be read under the name that the link has.
fn alias_target(unit: &Unit, mode: Mode) -> Result<Option<String>, Problem> {
    let target = file_name(unit.target.as_deref().unwrap_or_default());
    if mode == Mode::Linked || target == unit.name {
        return Ok(None);
    }
    let instance = unit_name::instance(&unit.name).unwrap_or_default();
    if unit_name::form(&unit.name) != Some(Form::Instance) || unit_name::form(target) != Some(Form::Template)
    {
        return Ok(Some(target.to_owned()));
    }
    let instantiated = unit_name::with_instance(target, instance);
    let instantiated =
        instantiated.ok_or_else(|| Problem::other(format!("no unit name fits `{}`", unit.name)))?;
    Ok(Some(instantiated).filter(|name| *name != unit.name))
}

/// Whether a link of the first name to a file of the second makes the one another name of the other.
pub(crate) fn is_valid_alias(link: &str, target: &str) -> bool {
    let (Some(link_form), Some(target_form)) = (unit_name::form(link), unit_name::form(target)) else {
        return false;
    };
    let forms_fit = match (link_form, target_form) {
        (Form::Instance, Form::Instance) => unit_name::instance(link) == unit_name::instance(target),
        (Form::Instance, Form::Template) => true,
        (link, target) => link == target,
    };
    forms_fit
        && unit_name::may_alias(link)
        && (link_form == Form::Plain || unit_name::may_template(link))
        && unit_name::suffix(link) == unit_name::suffix(target)
}

//! `systemctl enable`.

use step_sdk::{Level, Result};

use crate::context::{Context, Mode, Search, Unit, is_valid_alias};
use crate::links;
use crate::problem::Problem;
use crate::search_path::{CONFIG, is_generated, join};
use crate::specifier::expand;
use crate::unit_name::{self, Form};

/// Makes the links that the unit's `[Install]` section asks for, and those of the units it names in `Also=`.
pub(crate) fn enable(context: &mut Context<'_>, name_or_path: &str) -> Result<(), Problem> {
    let start = context.add(name_or_path, false)?;
    let name = context.traverse(&start, Search { load: true, follow_config: true })?;
    let unit = context.unit(&name)?;
    if unit.mode == Some(Mode::Masked) {
        return Err(Problem::other(format!("unit `{}` is masked", unit.path())));
    }
    if is_generated(unit.path()) {
        return Err(Problem::other(format!(
            "unit `{}` is made by a program while the system runs",
            unit.path()
        )));
    }
    let mut has_rules = false;
    while let Some(name) = context.next_waiting() {
        has_rules |= apply(context, &name)?;
    }
    if !has_rules {
        let message = "the unit has no `[Install]` rules: there is nothing to enable";
        context.host.log(Level::Info, message, &[("unit", &name)]);
    }
    Ok(())
}

/// Whether the unit is one for which links could be made.
fn apply(context: &mut Context<'_>, name: &str) -> Result<bool, Problem> {
    if let Err(problem) = context.traverse(name, Search { load: true, follow_config: false }) {
        let unit = context.unit(name)?;
        if !unit.auxiliary {
            return Err(problem);
        }
        let cause = step_sdk::Failure::from(problem).message;
        context.host.log(
            Level::Warn,
            "a unit named in `Also=` cannot be enabled",
            &[("unit", name), ("cause", &cause)],
        );
        return Ok(false);
    }
    let unit = context.unit(name)?;
    match unit.mode {
        Some(Mode::Regular) => {
            make_links(context, unit)?;
            Ok(unit.install.has_rules())
        }
        Some(Mode::Masked) => {
            context.host.log(Level::Info, "the unit is masked: it is left alone", &[("unit", unit.path())]);
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// What became of one of a unit's lists. An entry that fails does not keep the others from being carried out.
enum Outcome {
    Nothing,
    Done,
    Failed(Problem),
}

impl Outcome {
    fn add(self, entry: Result<(), Problem>) -> Self {
        match (self, entry) {
            (Self::Failed(first), _) => Self::Failed(first),
            (_, Err(problem)) => Self::Failed(problem),
            (_, Ok(())) => Self::Done,
        }
    }
}

/// The first list that is not empty decides whether the unit counts as enabled: that is how `systemctl` ends. What fails
/// in the others is a warning.
fn make_links(context: &Context<'_>, unit: &Unit) -> Result<(), Problem> {
    if !context.paths.holds(unit.path()) {
        links::make(context.host, context.paths, unit.path(), &join(CONFIG, &unit.name), false)?;
    }
    let install = &unit.install;
    let aliases = install.aliases.iter().filter_map(|alias| make_alias(context, unit, alias).transpose());
    let mut lists = vec![aliases.fold(Outcome::Nothing, Outcome::add)];
    lists.push(make_dependencies(context, unit, &install.wanted_by, "wants"));
    lists.push(make_dependencies(context, unit, &install.required_by, "requires"));
    if context.paths.upholds {
        lists.push(make_dependencies(context, unit, &install.upheld_by, "upholds"));
    }
    let mut decided = false;
    for outcome in lists {
        match outcome {
            Outcome::Nothing => {}
            Outcome::Done => decided = true,
            Outcome::Failed(problem) if !decided => return Err(problem),
            Outcome::Failed(problem) => {
                let cause = step_sdk::Failure::from(problem).message;
                let fields = [("unit", unit.name.as_str()), ("cause", cause.as_str())];
                context.host.log(
                    Level::Warn,
                    "a part of the `[Install]` section cannot be carried out",
                    &fields,
                );
            }
        }
    }
    Ok(())
}

/// `None`: the alias is the unit's own name, and no link is needed.
fn make_alias(context: &Context<'_>, unit: &Unit, alias: &str) -> Result<Option<()>, Problem> {
    let alias = expand(alias, unit.install.names(&unit.name), context.host)?;
    let link = alias_link(unit, &alias)?;
    if link == unit.name {
        return Ok(None);
    }
    links::make(context.host, context.paths, unit.path(), &join(CONFIG, &link), false)?;
    Ok(Some(()))
}

/// The link for an `Alias=`, below the directory of links.
fn alias_link(unit: &Unit, alias: &str) -> Result<String, Problem> {
    let refused =
        || Problem::other(format!("unit `{}` cannot have the alias `{}`", unit.name, alias.escape_debug()));
    if let Some((directory, name)) = alias.rsplit_once('/') {
        let fits = dependent(directory).is_some_and(|dependent| {
            is_same_unit(name, &unit.name, unit_name::form(dependent) == Some(Form::Template))
        });
        return if fits { Ok(alias.to_owned()) } else { Err(refused()) };
    }
    let instance = unit_name::instance(&unit.name).filter(|instance| !instance.is_empty());
    let link = match (unit_name::form(alias), instance) {
        (Some(Form::Template), Some(instance)) => {
            unit_name::with_instance(alias, instance).ok_or_else(refused)?
        }
        _ => alias.to_owned(),
    };
    if is_valid_alias(&link, &unit.name) { Ok(link) } else { Err(refused()) }
}

/// The unit whose `.wants` or `.requires` directory this is.
fn dependent(directory: &str) -> Option<&str> {
    let name = directory.strip_suffix(".wants").or(directory.strip_suffix(".requires"))?;
    unit_name::is_valid(name).then_some(name)
}

/// Whether a link of that name below a dependency directory can stand for the unit.
fn is_same_unit(link: &str, unit: &str, propagates_instance: bool) -> bool {
    let (Some(link_form), Some(unit_form)) = (unit_name::form(link), unit_name::form(unit)) else {
        return false;
    };
    match (link_form, unit_form) {
        (Form::Template, Form::Template) => propagates_instance && link == unit,
        (Form::Instance, Form::Template) => unit_name::template(link).as_deref() == Some(unit),
        _ => link == unit,
    }
}

fn make_dependencies(context: &Context<'_>, unit: &Unit, list: &[String], kind: &str) -> Outcome {
    if list.is_empty() {
        return Outcome::Nothing;
    }
    match dependency_name(context, unit) {
        Err(problem) => Outcome::Failed(problem),
        Ok(link) => {
            let entries = list.iter().map(|dependent| make_dependency(context, unit, dependent, kind, &link));
            entries.fold(Outcome::Nothing, Outcome::add)
        }
    }
}

/// The name of a link in dependency directories.
struct DependencyName {
    name: String,
    /// The unit that wants this one has to lend its instance.
    needs_instance: bool,
}

fn make_dependency(
    context: &Context<'_>,
    unit: &Unit,
    dependent: &str,
    kind: &str,
    link: &DependencyName,
) -> Result<(), Problem> {
    let dependent = expand(dependent, unit.install.names(&unit.name), context.host)?;
    match unit_name::form(&dependent) {
        None => return Err(Problem::other(format!("`{}` is no unit name", dependent.escape_debug()))),
        Some(Form::Plain) if link.needs_instance => {
            return Err(Problem::other(format!(
                "`{dependent}` needs an instance of `{}`; name one",
                unit.name
            )));
        }
        Some(_) => {}
    }
    let path = format!("{CONFIG}/{dependent}.{kind}/{}", link.name);
    links::make(context.host, context.paths, unit.path(), &path, true)?;
    warn_if_missing(context, &dependent);
    Ok(())
}

fn dependency_name(context: &Context<'_>, unit: &Unit) -> Result<DependencyName, Problem> {
    if unit_name::form(&unit.name) != Some(Form::Template) {
        return Ok(DependencyName { name: unit.name.clone(), needs_instance: false });
    }
    let Some(instance) = &unit.install.default_instance else {
        return Ok(DependencyName { name: unit.name.clone(), needs_instance: true });
    };
    let name = unit_name::with_instance(&unit.name, instance)
        .ok_or_else(|| Problem::other(format!("`{instance}` cannot be an instance of `{}`", unit.name)))?;
    // The instance may have a file of its own, and that may be a mask. Links are looked at, not followed.
    let mut other = Context::new(context.host, context.paths);
    let instance = other.add(&name, false)?;
    match other.traverse(&instance, Search { load: false, follow_config: false }) {
        Err(problem @ (Problem::Missing(_) | Problem::Failed(_))) => Err(problem),
        _ if other.unit(&instance)?.mode == Some(Mode::Masked) => {
            Err(Problem::other(format!("unit `{name}` is masked")))
        }
        _ => Ok(DependencyName { name, needs_instance: false }),
    }
}

fn warn_if_missing(context: &Context<'_>, dependent: &str) {
    let mut other = Context::new(context.host, context.paths);
    let found = other
        .add(dependent, false)
        .and_then(|name| other.traverse(&name, Search { load: false, follow_config: false }));
    if matches!(found, Err(Problem::Missing(_))) {
        let message = "the unit is enabled for a unit that does not exist";
        context.host.log(Level::Warn, message, &[("missing", dependent)]);
    }
}

//! SysV init scripts: their links in `/etc/rc?.d`, as Debian's `update-rc.d` makes and switches them when `systemctl`
//! calls it.

use step_sdk::{Failure, FailureCode, Host, Level, Result};

use crate::context::{Context, Search};
use crate::problem::Problem;
use crate::search_path::SearchPath;

/// The program that the links are kept for. Images without it have no such links.
const PROGRAM: &str = "/usr/sbin/update-rc.d";

/// What is to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verb {
    /// Links begin with `S`: the script is started.
    Enable,
    /// Links begin with `K`.
    Disable,
}

/// Does what there is to do for a script of the unit's name. Gives whether there is a unit to be dealt with, too.
///
/// A service whose name cannot be looked up ends the call, script or not: so does it for `systemctl`.
pub(crate) fn synchronize(host: &dyn Host, paths: &SearchPath, verb: Verb, unit: &str) -> Result<bool> {
    let Some(script) = unit.strip_suffix(".service").filter(|_| !unit.starts_with('/')) else {
        return Ok(true);
    };
    let has_unit = unit_exists(host, paths, unit)?;
    let script_found = host.find(&format!("/etc/init.d/{script}")).unwrap_or_default();
    if script_found.is_none() {
        return Ok(true);
    }
    if host.find(PROGRAM)?.is_none() {
        if has_unit {
            host.log(
                Level::Warn,
                "the image has no `update-rc.d`: links of the init script stay",
                &[("script", script)],
            );
            return Ok(true);
        }
        let message = format!("`{script}` is an init script, and the image has no `update-rc.d`");
        return Err(Failure::new(FailureCode::Unsupported, message));
    }
    if host.find("/usr/lib/insserv/insserv")?.is_some() && host.find("/etc/insserv.conf")?.is_some() {
        host.log(Level::Warn, "`insserv` does not bring the init scripts into order", &[("script", script)]);
    }
    make_default_links(host, script)?;
    switch(host, script, verb)?;
    Ok(has_unit)
}

fn unit_exists(host: &dyn Host, paths: &SearchPath, unit: &str) -> Result<bool> {
    let paths = paths.without_generated();
    let mut context = Context::new(host, &paths);
    let name = context.add(unit, false)?;
    match context.traverse(&name, Search { load: false, follow_config: false }) {
        Ok(_) | Err(Problem::Linked(_)) => Ok(true),
        Err(Problem::Missing(_)) => Ok(false),
        Err(problem) => Err(problem.into()),
    }
}

/// Makes the links that the script's header asks for, unless it has any.
fn make_default_links(host: &dyn Host, script: &str) -> Result<()> {
    for level in "0123456789S".chars() {
        if !links(host, level, script)?.is_empty() {
            return Ok(());
        }
    }
    let header = Header::parse(&host.read(&format!("/etc/init.d/{script}"))?);
    let starts = header.start.iter().map(|level| (*level, 'S'));
    for (level, letter) in starts.chain(header.stop.iter().map(|level| (*level, 'K'))) {
        host.make_directory(&format!("/etc/rc{level}.d"), 0o755, true)?;
        let link = format!("/etc/rc{level}.d/{letter}01{script}");
        match host.make_symlink(&format!("../init.d/{script}"), &link) {
            Err(cause) if cause.code == FailureCode::AlreadyExists => {}
            result => result?,
        }
    }
    Ok(())
}

/// Gives the links of the levels that the script is started in the letter they need.
fn switch(host: &dyn Host, script: &str, verb: Verb) -> Result<()> {
    let levels = Header::of(host, script)?.start;
    if levels.is_empty() {
        return Err(Failure::other(format!(
            "the init script `{script}` names no runlevel in `Default-Start:`"
        )));
    }
    let (from, to) = match verb {
        Verb::Enable => ('K', 'S'),
        Verb::Disable => ('S', 'K'),
    };
    let mut found = false;
    for level in levels.into_iter().filter(|level| "S2345".contains(*level)) {
        for link in links(host, level, script)? {
            found = true;
            if let Some(rest) = link.strip_prefix(from) {
                host.rename(&format!("/etc/rc{level}.d/{link}"), &format!("/etc/rc{level}.d/{to}{rest}"))?;
                host.log(
                    Level::Info,
                    "switched a link",
                    &[("script", script), ("runlevel", &level.to_string())],
                );
            }
        }
    }
    if found {
        Ok(())
    } else {
        Err(Failure::other(format!("the init script `{script}` has no links to switch")))
    }
}

/// The names of a script's links in a runlevel: `S` or `K`, two digits, the script's name.
fn links(host: &dyn Host, level: char, script: &str) -> Result<Vec<String>> {
    let entries = host.list_directory(&format!("/etc/rc{level}.d")).or_else(|cause| match cause.code {
        FailureCode::NotFound | FailureCode::NotADirectory => Ok(Vec::new()),
        _ => Err(cause),
    })?;
    let is_link = |name: &str| {
        let numbered = name.strip_prefix(['S', 'K']).and_then(|rest| rest.strip_suffix(script));
        numbered.is_some_and(|digits| digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    Ok(entries.into_iter().map(|entry| entry.name).filter(|name| is_link(name)).collect())
}

/// The runlevels of a script's header.
#[derive(Debug, Default, Eq, PartialEq)]
struct Header {
    start: Vec<char>,
    stop: Vec<char>,
}

impl Header {
    /// From the script, or from what replaces its header.
    fn of(host: &dyn Host, script: &str) -> Result<Self> {
        for directory in ["/etc/insserv/overrides", "/etc/init.d", "/usr/share/insserv/overrides"] {
            let path = format!("{directory}/{script}");
            if host.find(&path)?.is_some_and(|found| found.size > 0) {
                return Ok(Self::parse(&host.read(&path)?));
            }
        }
        Err(Failure::new(FailureCode::NotFound, format!("the init script `{script}` is empty")))
    }

    fn parse(text: &[u8]) -> Self {
        let mut header = Self::default();
        let mut inside = false;
        for line in text.split(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(line);
            let line = line.trim_end();
            match line {
                "### BEGIN INIT INFO" => inside = true,
                "### END INIT INFO" => break,
                _ if !inside => {}
                _ => {
                    if let Some(levels) = line.strip_prefix("# Default-Start:") {
                        header.start = runlevels(levels);
                    }
                    if let Some(levels) = line.strip_prefix("# Default-Stop:") {
                        header.stop = runlevels(levels);
                    }
                }
            }
        }
        header
    }
}

/// Runlevels are single letters or digits; anything else would make directories nobody looks into.
fn runlevels(text: &str) -> Vec<char> {
    let level = |word: &str| match (word.chars().next(), word.len()) {
        (Some(level), 1) if level.is_ascii_alphanumeric() => Some(level),
        _ => None,
    };
    text.split_whitespace().filter_map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_tells_the_runlevels() {
        let text = b"#!/bin/sh\n# Default-Start: 9\n### BEGIN INIT INFO\t\n# Provides: x\n# Default-Start: 2 3  S ../x 44\n\
            #Default-Stop: 1\n# Default-Stop:0 6\n### END INIT INFO\n# Default-Stop: 7\n";
        assert_eq!(Header::parse(text), Header { start: vec!['2', '3', 'S'], stop: vec!['0', '6'] });
        assert_eq!(Header::parse(b"\xff\0"), Header::default());
        assert_eq!(
            Header::parse(b"### END INIT INFO\n### BEGIN INIT INFO\n# Default-Start: 2\n"),
            Header::default()
        );
    }
}

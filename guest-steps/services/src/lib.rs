//! Enables and disables services, as `systemctl enable` and `systemctl disable` (systemd 252) do inside an image: reads
//! the units' `[Install]` sections, and makes and removes links in `/etc/systemd/system`. SysV init scripts get their
//! links as Debian's `update-rc.d` makes them.

mod context;
mod disable;
mod enable;
mod install_section;
mod links;
mod parse;
mod problem;
mod search_path;
mod specifier;
mod sysv;
mod unit_name;

use serde::Deserialize;
use step_sdk::{Failure, FailureCode, Host, Result, Step};

use context::Context;
use search_path::SearchPath;
use sysv::Verb;

/// The services to enable and those to disable, by name or, to enable, by the path of a unit file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    #[serde(default)]
    enable: Vec<String>,
    #[serde(default)]
    disable: Vec<String>,
}

/// The step.
pub struct ConfigureServices;

impl Step for ConfigureServices {
    type Settings = Settings;
    const NAME: &'static str = "services";
    const SUMMARY: &'static str = "enables and disables services";
    const SETTINGS_SCHEMA: &'static str = include_str!("settings.schema.json");

    fn run(settings: &Settings, host: &dyn Host) -> Result<()> {
        let paths = SearchPath::of_image(host)?;
        for name in &settings.enable {
            enable_one(host, &paths, name)
                .map_err(|cause| cause.context(format!("cannot enable `{}`", shown(name))))?;
        }
        for name in &settings.disable {
            disable_one(host, &paths, name)
                .map_err(|cause| cause.context(format!("cannot disable `{}`", shown(name))))?;
        }
        Ok(())
    }
}

step_sdk::export_step!(ConfigureServices);

fn enable_one(host: &dyn Host, paths: &SearchPath, name: &str) -> Result<()> {
    let name = if name.contains('/') { absolute(name) } else { mangled(name)? };
    if sysv::synchronize(host, paths, Verb::Enable, &name)? {
        enable::enable(&mut Context::new(host, paths), &name)?;
    }
    Ok(())
}

fn disable_one(host: &dyn Host, paths: &SearchPath, name: &str) -> Result<()> {
    let name = if name.contains('/') { absolute(name) } else { mangled(name)? };
    if sysv::synchronize(host, paths, Verb::Disable, &name)? {
        let name = name.rsplit('/').next().unwrap_or_default();
        disable::disable(&mut Context::new(host, paths), name)?;
    }
    Ok(())
}

/// A path of a unit file, seen from the root, with single slashes.
fn absolute(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    format!("/{}", parts.join("/"))
}

fn mangled(name: &str) -> Result<String> {
    unit_name::mangle(name)
        .ok_or_else(|| Failure::new(FailureCode::InvalidArgument, "no unit name can be made of it"))
}

/// A name as it may stand in a message.
fn shown(name: &str) -> String {
    name.chars().take(300).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;

//! Keys that open an account over SSH.

use accounts::User;
use step_sdk::{Failure, FailureCode, Host, Result, WriteOptions};

use crate::settings::SshKeys;

/// Adds keys to `.ssh/authorized_keys`. Lines that an existing user has stay in front; a new user's file is replaced:
/// keys that a skeleton or an old home directory holds are not meant for the newcomer.
pub(crate) fn authorize(host: &dyn Host, user: &User, keys: &[SshKeys], keep_lines: bool) -> Result<()> {
    let home = user.home.trim_end_matches('/');
    let directory = format!("{home}/.ssh");
    let file = format!("{directory}/authorized_keys");
    if host.find(&user.home)?.is_none() {
        let message = format!("the home directory `{}` does not exist: SSH keys have no place", user.home);
        return Err(Failure::new(FailureCode::NotFound, message));
    }
    if host.find(&directory)?.is_none() {
        host.make_directory(&directory, 0o700, false)?;
        host.set_mode(&directory, 0o700)?;
        host.set_owner(&directory, user.owner, false)?;
    }
    let mut text = if keep_lines { host.read_if_there(&file)?.unwrap_or_default() } else { Vec::new() };
    end_line(&mut text);
    append(host, keys, &mut text)?;
    let options = WriteOptions { mode: Some(0o600), owner: Some(user.owner), ..WriteOptions::default() };
    host.write(&file, &text, &options)
}

/// Key files first, then single keys, each in the order given.
fn append(host: &dyn Host, keys: &[SshKeys], text: &mut Vec<u8>) -> Result<()> {
    for key in keys {
        if let SshKeys::Artifact(name) = key {
            text.extend_from_slice(&host.artifact_read(name)?);
            end_line(text);
        }
    }
    for key in keys {
        if let SshKeys::Line(line) = key {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
    }
    Ok(())
}

fn end_line(text: &mut Vec<u8>) {
    if text.last().is_some_and(|last| *last != b'\n') {
        text.push(b'\n');
    }
}

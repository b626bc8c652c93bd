//! A name server that never answers: a namespace of its own, where `/etc/resolv.conf` points to a port that only reads.

use std::env;
use std::ffi::OsString;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Command, Stdio};

use crate::{BEHIND, Outcome};

/// Makes the file `$1` the list of name servers, brings the loopback up, and becomes the rest of the words.
const INSIDE: &str = "mount -n --bind \"$1\" /etc/resolv.conf; ip link set lo up; shift; exec \"$@\"";

/// The words that run a program behind such a name server. `list` names it, as [`LIST`] does.
pub(crate) fn words(list: OsString) -> Outcome<Vec<OsString>> {
    let unshare = ["unshare", "--map-root-user", "--mount", "--net", "sh", "-euc", INSIDE, "sh"];
    let mut words: Vec<OsString> = unshare.into_iter().map(OsString::from).collect();
    words.extend([list, env::current_exe()?.into_os_string(), BEHIND.into()]);
    Ok(words)
}

/// What the list of name servers says.
pub(crate) const LIST: &str = "nameserver 127.0.0.1\noptions timeout:20\n";

/// Takes the name server's port and runs the program.
#[expect(clippy::disallowed_methods, reason = "what is measured is a process of its own")]
pub(crate) fn hold(words: &[OsString]) -> Outcome {
    let _silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53))?;
    let (program, arguments) = words.split_first().ok_or("no program")?;
    let status = Command::new(program).args(arguments).stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(status.to_string().into()) }
}

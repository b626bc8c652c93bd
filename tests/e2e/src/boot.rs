//! A machine without a window: QEMU's emulation of one, its serial console in our hands.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use fixtures::Format;
use fixtures::process::command;
use tempfile::TempDir;

use crate::{Outcome, failed};

/// Where Debian and others put the firmware.
const FIRMWARE: [&str; 2] = ["/usr/share/OVMF", "/usr/share/ovmf"];

/// A running machine; it is turned off when this goes out of scope.
pub struct Machine {
    child: Child,
    keys: ChildStdin,
    console: Receiver<Vec<u8>>,
    seen: String,
    deadline: Instant,
    _variables: TempDir,
}

impl Machine {
    /// Starts a machine with UEFI on `image`, which is not changed. Everything that is waited for has to come
    /// within `patience`; a boot takes about a minute of one processor's time.
    ///
    /// # Errors
    /// QEMU or the firmware is missing.
    pub fn start(image: &Path, format: Format, patience: Duration) -> Outcome<Self> {
        let directory = tempfile::tempdir()?;
        let (code, variables) = firmware(directory.path())?;
        let mut qemu = command("qemu-system-x86_64");
        // KVM is not asked for: where tests run it is often absent, or too different to be one result.
        qemu.args(["-machine", "q35,accel=tcg", "-cpu", "max", "-smp", "2", "-m", "1024"]);
        qemu.args(["-display", "none", "-monitor", "none", "-nic", "none", "-serial", "stdio", "-no-reboot"]);
        let pflash = |unit: u8, path: &Path, access: &str| {
            format!("if=pflash,format=raw,unit={unit},{access}file={}", path.display())
        };
        qemu.arg("-drive").arg(pflash(0, &code, "readonly=on,"));
        qemu.arg("-drive").arg(pflash(1, &variables, ""));
        let disk = format!("file={},format={},if=virtio,snapshot=on", image.display(), format.qemu_driver());
        qemu.arg("-drive").arg(disk).env("TMPDIR", directory.path());
        qemu.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = qemu.spawn()?;
        let (Some(keys), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("QEMU has no console"));
        };
        let (sender, console) = mpsc::channel();
        thread::spawn(move || forward(output, &sender));
        let deadline = Instant::now() + patience;
        Ok(Self { child, keys, console, seen: String::new(), deadline, _variables: directory })
    }

    /// Waits until `text` is on the console, and forgets what came before it.
    ///
    /// # Errors
    /// The machine stopped, or the time is over; the error holds the end of the console.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) -> Outcome {
        loop {
            if let Some(position) = self.seen.find(text) {
                self.seen.drain(..position + text.len());
                return Ok(());
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            match self.console.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(reason) => {
                    let start = self.seen.len().saturating_sub(3000);
                    let end = self.seen.get(start..).unwrap_or(&self.seen);
                    return Err(failed(format!("no `{text}` on the console ({reason}):\n{end}")));
                }
            }
        }
    }

    /// Types a line.
    ///
    /// # Errors
    /// The machine stopped.
    pub fn type_line(&mut self, line: &str) -> Outcome {
        self.keys.write_all(line.as_bytes())?;
        self.keys.write_all(b"\n")?;
        Ok(self.keys.flush()?)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Already stopped machines need neither.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn forward(mut output: impl Read, sender: &mpsc::Sender<Vec<u8>>) {
    let mut chunk = [0; 4096];
    while let Ok(length) = output.read(&mut chunk) {
        let bytes = chunk.get(..length).unwrap_or_default().to_vec();
        if length == 0 || sender.send(bytes).is_err() {
            return;
        }
    }
}

/// The firmware's code, and a copy of its empty variables.
fn firmware(directory: &Path) -> Outcome<(PathBuf, PathBuf)> {
    for place in FIRMWARE.map(Path::new) {
        let code = place.join("OVMF_CODE_4M.fd");
        if code.exists() {
            let variables = directory.join("variables.fd");
            fs::copy(place.join("OVMF_VARS_4M.fd"), &variables)?;
            return Ok((code, variables));
        }
    }
    Err(failed("there is no UEFI firmware; install the package `ovmf`"))
}

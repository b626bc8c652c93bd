//! The lines of a trace.

use crate::limits::Limits;
use crate::step::StepFacts;
use rootfs::Scope;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Version of the lines' form. A reader takes no other.
pub(crate) const FORMAT: u32 = 1;

/// One line.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Line {
    Call(Call),
    Begin(Box<Begin>),
    End(End),
}

/// A run begins: all that it depends on but the image and the artifacts.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Begin {
    /// The step's name.
    pub(crate) begin: String,
    /// [`FORMAT`].
    pub(crate) format: u32,
    /// Version of the program that wrote this.
    pub(crate) tool_version: String,
    /// Version of the step contract by which the calls are named.
    pub(crate) contract: String,
    /// SHA-256 of the component, hexadecimal.
    pub(crate) component: String,
    /// SHA-256 of the settings, hexadecimal.
    pub(crate) settings_sha256: String,
    /// The settings, to the byte.
    pub(crate) settings: String,
    /// As `uname -m` names it.
    pub(crate) architecture: String,
    /// Seconds since 1970.
    pub(crate) source_date_epoch: u64,
    /// What decided the random numbers, hexadecimal.
    pub(crate) seed: String,
    /// What the step could use up.
    pub(crate) limits: Limited,
    /// Which files it could read and write.
    pub(crate) scope: Scope,
}

/// [`Limits`] as a line holds them: bytes, but for the time (milliseconds) and the open files.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Limited {
    memory: usize,
    time: u64,
    log: u64,
    open_files: usize,
    call: usize,
    written: u64,
}

/// A call from the component into the host.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Call {
    /// `interface.function`, as the contract names them.
    pub(crate) call: String,
    pub(crate) arguments: Value,
    #[serde(flatten)]
    pub(crate) answer: Answer,
    /// Left alone by whoever compares.
    pub(crate) time: Time,
}

/// What the host answered.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Result(Value),
    /// For the step to handle.
    Failure {
        code: String,
        message: String,
    },
    /// The call ended the step.
    Trap(String),
    /// The line would have become longer than a reader takes: so many bytes.
    LeftOut(u64),
}

/// Bytes of one line. The largest content that one call gives (16 MiB) fits in, as base64.
pub(crate) const LONGEST_LINE: u64 = 32 << 20;

/// Nanoseconds of the run's own time.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Time {
    /// From the start of the run.
    pub(crate) start: u64,
    /// That it took.
    pub(crate) took: u64,
}

/// A run ended.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    /// The step's name.
    pub(crate) end: String,
    pub(crate) outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// How many calls there were.
    pub(crate) calls: u64,
    /// Left alone by whoever compares.
    pub(crate) time: Time,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Succeeded,
    /// The step said that it failed.
    Failed,
    /// A panic, a trap, or a call of `exit`.
    Crashed,
    /// The step does not fit the contract.
    Mismatch,
    /// A limit ended the run: where exactly can depend on the machine.
    Limit,
    /// Somebody, or the host's own trouble, ended the run.
    Stopped,
}

impl Outcome {
    /// Whether the step itself decided how the run ended, so that another run of it ends so too.
    pub(crate) fn is_the_steps_own(self) -> bool {
        !matches!(self, Self::Limit | Self::Stopped)
    }

    /// As the line names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Crashed => "crashed",
            Self::Mismatch => "mismatch",
            Self::Limit => "limit",
            Self::Stopped => "stopped",
        }
    }
}

impl Begin {
    /// What the run depended on, the seed included.
    pub(crate) fn facts(&self) -> Option<StepFacts> {
        let mut seed = [0; 32];
        let digits = self.seed.as_bytes();
        if digits.len() != 2 * seed.len() {
            return None;
        }
        for (byte, digits) in seed.iter_mut().zip(digits.chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        let architecture = self.architecture.clone();
        Some(StepFacts { architecture, source_date_epoch: self.source_date_epoch, seed })
    }
}

impl Limited {
    /// The limits again, within reason: a trace comes from anywhere.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            memory: self.memory.min(4 << 30),
            time: Duration::from_millis(self.time).min(Duration::from_secs(24 * 3600)),
            log: self.log.min(1 << 30),
            open_files: self.open_files.min(1 << 16),
            call: self.call.min(1 << 30),
            written: self.written,
        }
    }
}

impl From<&Limits> for Limited {
    fn from(limits: &Limits) -> Self {
        let Limits { memory, time, log, open_files, call, written } = *limits;
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self { memory, time, log, open_files, call, written }
    }
}

/// SHA-256, hexadecimal.
#[must_use]
pub fn sha256(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_read_as_what_it_is() {
        let call = r#"{"call":"rootfs.read","arguments":{"path":"/a"},"failure":{"code":"not-found","message":"x"},"time":{"start":1,"took":2}}"#;
        let Line::Call(call) = serde_json::from_str(call).unwrap() else { panic!("no call") };
        assert_eq!(call.answer, Answer::Failure { code: "not-found".into(), message: "x".into() });
        let nothing = r#"{"call":"rootfs.write","arguments":{},"result":null,"time":{"start":1,"took":2}}"#;
        let Line::Call(call) = serde_json::from_str(nothing).unwrap() else { panic!("no call") };
        assert_eq!(call.answer, Answer::Result(Value::Null));
        let end = r#"{"end":"motd","outcome":"succeeded","calls":3,"time":{"start":0,"took":9}}"#;
        assert!(matches!(serde_json::from_str(end).unwrap(), Line::End(end) if end.calls == 3));
        for wrong in ["{}", "[]", r#"{"call":"x","arguments":{},"time":{"start":0,"took":0}}"#] {
            assert!(serde_json::from_str::<Line>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_seed_comes_back_from_its_digits() {
        let seed: [u8; 32] = std::array::from_fn(|index| index as u8 * 7);
        let begin = |digits: String| Begin {
            begin: String::new(),
            format: FORMAT,
            tool_version: String::new(),
            contract: String::new(),
            component: String::new(),
            settings_sha256: String::new(),
            settings: String::new(),
            architecture: "x86_64".into(),
            source_date_epoch: 7,
            seed: digits,
            limits: Limited::from(&Limits::default()),
            scope: Scope::unrestricted(),
        };
        assert_eq!(begin(hex(&seed)).facts().unwrap().seed, seed);
        for wrong in ["", "00", &"zz".repeat(32), &"é".repeat(32)] {
            assert!(begin(wrong.to_owned()).facts().is_none(), "{wrong}");
        }
        assert_eq!(Limited::from(&Limits::default()).limits(), Limits::default());
    }
}

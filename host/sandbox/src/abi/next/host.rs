//! The host side: other names and types in front of the same state.

use super::customizer::step::{log, rootfs as wit};
use crate::state::{LogLevel, State};
use crate::trace::{Content, Recorded, Refusal, Traced, bytes};
use ::rootfs::{Aim, ErrorKind, ImagePath, WriteOptions, operations};
use serde_json::{Value, json};

type Answer<T> = wasmtime::Result<Result<T, wit::Refusal>>;

impl From<::rootfs::Error> for wit::Refusal {
    fn from(error: ::rootfs::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Missing,
            ErrorKind::NotGranted => Self::Denied(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}

impl Refusal for wit::Refusal {
    fn to_text(&self) -> (&'static str, &str) {
        match self {
            Self::Missing => ("missing", ""),
            Self::Denied(message) => ("denied", message),
            Self::Other(message) => ("other", message),
        }
    }

    fn from_text(code: &str, message: &str) -> Option<Self> {
        match code {
            "missing" => Some(Self::Missing),
            "denied" => Some(Self::Denied(message.to_owned())),
            "other" => Some(Self::Other(message.to_owned())),
            _ => None,
        }
    }
}

impl log::Host for State {
    fn say(&mut self, message: String) -> wasmtime::Result<()> {
        self.log(LogLevel::Info, &message, &[])
    }
}

impl wit::Host for State {
    fn read(&mut self, path: Vec<u8>) -> Answer<Vec<u8>> {
        self.host_call(|state| {
            state.with_tree(|tree, _| {
                operations::read_file(tree, ImagePath::new(&path), 1 << 20).map_err(wit::Refusal::from)
            })
        })
    }

    fn put(&mut self, path: Vec<u8>, data: Vec<u8>) -> Answer<u64> {
        self.spend_written(data.len() as u64)?;
        self.host_call(|state| {
            state.with_tree(|tree, _| {
                tree.write(ImagePath::new(&path), &data, &WriteOptions::default())?;
                Ok(data.len() as u64)
            })
        })
    }
}

fn at(path: &[u8]) -> Value {
    json!({ "path": String::from_utf8_lossy(path) })
}

impl log::Host for Traced<'_> {
    fn say(&mut self, message: String) -> wasmtime::Result<()> {
        self.call_within("log.say", json!({ "message": message }), |state| log::Host::say(state, message))
    }
}

impl wit::Host for Traced<'_> {
    fn read(&mut self, path: Vec<u8>) -> Answer<Vec<u8>>
    where
        Result<Content, wit::Refusal>: Recorded,
    {
        let secrecy = self.secrecy_at(&String::from_utf8_lossy(&path), Aim::Target);
        let answer = self.call("rootfs.read", at(&path), |state| {
            Ok(wit::Host::read(state, path)?.map(|bytes| Content { bytes, secrecy }))
        })?;
        Ok(answer.map(|content: Content| content.bytes))
    }

    fn put(&mut self, path: Vec<u8>, data: Vec<u8>) -> Answer<u64> {
        let path_shown = String::from_utf8_lossy(&path).into_owned();
        let data_shown = bytes(&data, self.secrecy_at(&path_shown, Aim::Target));
        let arguments = json!({ "path": path_shown, "data": data_shown });
        self.call("rootfs.put", arguments, |state| wit::Host::put(state, path, data))
    }
}

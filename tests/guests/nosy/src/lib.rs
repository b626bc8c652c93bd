//! Looks into the image while it is only asked to describe itself.

wit_bindgen::generate!({ path: "../../../wit/step", world: "base-step" });

use customizer::step::failures::Failure;
use customizer::step::{log, rootfs};
use exports::customizer::step::step::{Description, Guest};

struct Nosy;

impl Guest for Nosy {
    fn describe() -> Description {
        log::write(log::Level::Info, "describing is allowed to log", &[]);
        let summary = match rootfs::read("/etc/passwd") {
            Ok(content) => String::from_utf8_lossy(&content).into_owned(),
            Err(failure) => failure.message,
        };
        Description {
            name: "nosy".into(),
            version: "0.1.0".into(),
            summary,
            settings_schema: "{}".into(),
            annotations: Vec::new(),
        }
    }

    fn run(_: String) -> Result<(), Failure> {
        Ok(())
    }
}

export!(Nosy);

//! Reads the file that its settings name, puts it in capitals, and writes it to `/next`.

wit_bindgen::generate!({ path: "../wit", world: "next-step" });

use customizer::step::{log, rootfs};
use exports::customizer::step::step::{Description, Guest};

struct Next;

impl Guest for Next {
    fn describe() -> Description {
        Description { name: "next".into(), version: "99.0.0".into(), schema: r#"{"type":"string"}"#.into() }
    }

    fn run(settings: Vec<u8>) -> Result<Vec<String>, String> {
        let path = String::from_utf8(settings).map_err(|error| error.to_string())?;
        let path = path.trim_matches('"');
        log::say(&format!("reads {path}"));
        let content = rootfs::read(path.as_bytes()).map_err(|refusal| format!("{path}: {refusal:?}"))?;
        let written = rootfs::put(b"/next", &content.to_ascii_uppercase())
            .map_err(|refusal| format!("/next: {refusal:?}"))?;
        Ok(vec![format!("{written} bytes")])
    }
}

export!(Next);

//! The corpus of the fuzz targets holds what is understood; otherwise fuzzing would start from nothing.

use std::error::Error;
use std::fs;
use std::path::Path;

use oci::{Manifest, Reference, parse_challenges, parse_credential_file};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn corpus(target: &str) -> Outcome<Vec<Vec<u8>>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs = Vec::new();
    for entry in fs::read_dir(directory)? {
        inputs.push(fs::read(entry?.path())?);
    }
    Ok(inputs)
}

#[test]
fn the_corpus_is_understood() -> Outcome {
    let reference: Reference = "a.example/b/c".parse()?;
    for input in corpus("challenge")? {
        assert!(!parse_challenges(&String::from_utf8(input)?).is_empty());
    }
    for input in corpus("reference")? {
        String::from_utf8(input)?.parse::<Reference>()?;
    }
    assert!(corpus("manifest")?.iter().any(|input| Manifest::parse(input, None).is_ok()));
    assert!(corpus("credentials")?.iter().all(|input| parse_credential_file(input, &reference)));
    Ok(())
}

/// What a fuzzer would find first: the corpus cut off or changed at each place.
#[test]
fn damaged_inputs_neither_crash_nor_hang() -> Outcome {
    let reference: Reference = "a.example/b/c".parse()?;
    for target in ["challenge", "reference", "manifest", "credentials"] {
        for whole in corpus(target)? {
            for place in 0..whole.len() {
                for byte in [b'"', b'\\', b'\0', b'{', b'=', b',', b' ', 0xff] {
                    let mut damaged = whole.clone();
                    if let Some(at) = damaged.get_mut(place) {
                        *at = byte;
                    }
                    try_all(&damaged, &reference);
                }
                try_all(whole.get(..place).unwrap_or_default(), &reference);
            }
        }
    }
    Ok(())
}

fn try_all(bytes: &[u8], reference: &Reference) {
    let text = String::from_utf8_lossy(bytes);
    drop(parse_challenges(&text));
    if let Ok(read) = text.parse::<Reference>() {
        assert_eq!(read.to_string().parse::<Reference>().ok(), Some(read));
    }
    if let Err(error) = Manifest::parse(bytes, None) {
        assert!(!error.to_string().contains(char::is_control), "{error}");
    }
    let _ = parse_credential_file(bytes, reference);
}

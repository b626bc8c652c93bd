//! The corpus of the fuzz targets holds what is understood; otherwise fuzzing would start from nothing.

use std::fs;
use std::path::Path;

use oci::{Manifest, Reference, parse_challenges, parse_credential_file};

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}

#[test]
fn the_corpus_is_understood() {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let reference: Reference = "a.example/b/c".parse().unwrap();
    assert!(corpus("challenge").into_iter().all(|bytes| !parse_challenges(&text(bytes)).is_empty()));
    assert!(corpus("reference").into_iter().all(|bytes| text(bytes).parse::<Reference>().is_ok()));
    assert!(corpus("manifest").iter().any(|bytes| Manifest::parse(bytes, None).is_ok()));
    assert!(corpus("credentials").iter().all(|bytes| parse_credential_file(bytes, &reference)));
}

/// What a fuzzer would find first: each place of the corpus cut off, doubled, or changed.
#[test]
fn damaged_inputs_neither_crash_nor_hang() {
    let reference: Reference = "a.example/b/c".parse().unwrap();
    for target in ["challenge", "reference", "manifest", "credentials"] {
        for whole in corpus(target) {
            for place in 0..whole.len() {
                for byte in [b'"', b'\\', b'\0', b'{', b'=', b',', b' ', 0xff] {
                    let mut damaged = whole.clone();
                    damaged[place] = byte;
                    try_all(&damaged, &reference);
                }
                try_all(&whole[..place], &reference);
            }
        }
    }
}

fn try_all(bytes: &[u8], reference: &Reference) {
    let text = String::from_utf8_lossy(bytes);
    parse_challenges(&text);
    if let Ok(read) = text.parse::<Reference>() {
        assert_eq!(read.to_string().parse::<Reference>().unwrap(), read);
    }
    if let Err(error) = Manifest::parse(bytes, None) {
        assert!(!error.to_string().contains(char::is_control), "{error}");
    }
    parse_credential_file(bytes, reference);
}

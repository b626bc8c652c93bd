//! Lines `options NAME key=value …`.

use crate::conf::{Lines, words};

/// Sets the module's options: values are replaced where they stand, new ones go to the end of the module's last line, or
/// make a line of their own. Words without `=` on a line that changes are dropped, and given back for the log.
pub(crate) fn set<'a>(
    lines: &mut Lines,
    module: &str,
    wanted: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<String> {
    let mut dropped = Vec::new();
    let mut missing: Vec<(&str, &str)> = wanted.collect();
    let mut changed = false;
    let all = missing.clone();
    for line in lines.directives("options", module) {
        let mut words = words(line);
        let present = replace_values(&mut words, &all);
        missing.retain(|(key, _)| !present.keys.contains(key));
        if present.changed {
            rebuild(line, words, &mut dropped);
            changed = true;
        }
    }
    if !missing.is_empty() {
        let new = missing.iter().map(|(key, value)| format!("{key}={value}").into_bytes());
        match lines.directives("options", module).last() {
            Some(line) => {
                let mut words = words(line);
                words.extend(new);
                rebuild(line, words, &mut dropped);
            }
            None => {
                let options: Vec<String> =
                    missing.iter().map(|(key, value)| format!("{key}={value}")).collect();
                lines.append(format!("options {module} {}", options.join(" ")));
            }
        }
        changed = true;
    }
    if changed {
        lines.tidy();
    }
    dropped
}

struct Present<'a> {
    keys: Vec<&'a str>,
    changed: bool,
}

/// Gives the wanted options among `words` their values.
fn replace_values<'a>(words: &mut [Vec<u8>], wanted: &[(&'a str, &str)]) -> Present<'a> {
    let mut present = Present { keys: Vec::new(), changed: false };
    for word in words.iter_mut().skip(2) {
        for (key, value) in wanted {
            let Some(old) = word.strip_prefix(key.as_bytes()).and_then(|rest| rest.strip_prefix(b"=")) else {
                continue;
            };
            present.keys.push(key);
            if old != value.as_bytes() {
                *word = format!("{key}={value}").into_bytes();
                present.changed = true;
            }
            break;
        }
    }
    present
}

/// Puts a line together again from `options`, the name and what has a value.
fn rebuild(line: &mut Vec<u8>, words: Vec<Vec<u8>>, dropped: &mut Vec<String>) {
    let mut kept = Vec::new();
    for (index, word) in words.into_iter().enumerate() {
        if index < 2 || word.contains(&b'=') {
            kept.push(word);
        } else {
            dropped.push(String::from_utf8_lossy(&word).into_owned());
        }
    }
    *line = kept.join(&b' ');
}

//! Hostile input: nothing panics, nothing takes long.
#![cfg(test)]

use std::path::Path;
use std::time::{Duration, Instant};

use imagecustomizer_config::{PasswordPolicy, check_text};

fn check(text: &[u8]) -> bool {
    match check_text(text, Path::new("case.yaml"), PasswordPolicy::Any) {
        Ok(_) => true,
        Err(problems) => {
            // Printing is part of what must not fail.
            assert!(!problems.to_string().is_empty());
            assert!(problems.to_json().is_array());
            false
        }
    }
}

/// A small generator with a fixed seed, so that each run tries the same.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    ["structure", "storage", "os", "input_output"]
        .iter()
        .flat_map(|name| {
            let text = std::fs::read_to_string(dir.join(format!("{name}.yaml"))).unwrap();
            let cases: Vec<Vec<u8>> = text
                .split("\n### ")
                .map(|case| case.split_once('\n').unwrap_or(("", case)).1.into())
                .collect();
            cases
        })
        .collect()
}

const TOKENS: [&str; 40] = [
    ": ",
    "- ",
    "? ",
    ", ",
    "[",
    "]",
    "{",
    "}",
    "\n",
    "\n  ",
    "\t",
    "&a ",
    "*a",
    "!!int ",
    "!x ",
    "\"",
    "'",
    "|\n",
    ">\n",
    "#",
    "~",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "<<: ",
    "\0",
    "\u{feff}",
    "\u{2028}",
    "\r",
    "0",
    "1G",
    "true",
    "\\",
    "@",
    "os",
    "storage",
    "999999999999999999999",
    ".inf",
    "é",
    "path",
];

#[test]
fn mutated_configurations_neither_panic_nor_hang() {
    let seeds = seeds();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let begun = Instant::now();
    let mut accepted = 0;
    for _ in 0..6000 {
        let mut text = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(4) {
            let at = random.below(text.len() + 1);
            let until = (at + random.below(6)).min(text.len());
            match random.below(4) {
                0 => text.truncate(at),
                1 => drop(text.drain(at..until)),
                2 => drop(text.splice(at..until, [u8::try_from(random.below(256)).unwrap()])),
                _ => drop(text.splice(at..at, TOKENS[random.below(TOKENS.len())].bytes())),
            }
        }
        accepted += u32::from(check(&text));
    }
    println!("{accepted} of 6000 accepted");
    assert!(begun.elapsed() < Duration::from_secs(120));
}

#[test]
fn large_files_of_one_kind_are_refused_or_read_in_time() {
    const SIZE: usize = 3 << 20;
    let patterns = [
        "[", "{", "- ", "? ", ": ", "&a ", "*a ", "!t ", "\"", "'", "|\n", "#", "a: ", "\n", " ", "%", "a\n",
        "- a\n", "{a: ", "[a, ", "\\", "\u{2028}", "é", "---\n", "...\n", "x: y\n", "? a\n",
    ];
    for pattern in patterns {
        let begun = Instant::now();
        check(pattern.repeat(SIZE / pattern.len()).as_bytes());
        println!("{pattern:?} {:?}", begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(30), "{pattern:?}");
    }
}

#[test]
fn many_items_are_checked_in_time() {
    let number = 50_000;
    let many = |item: fn(usize) -> String| -> String { (0..number).map(item).collect() };
    let texts = [
        many(|n| format!("unknown{n}: 1\n")),
        format!("os:\n  users:\n{}", many(|n| format!("  - {{name: u{n}, uid: 70000}}\n"))),
        format!("os:\n  modules:\n{}", many(|n| format!("  - {{name: m{}}}\n", n / 2))),
        format!("os:\n  modules:\n  - name: m\n    options:\n{}", many(|n| format!("      o{n}: '1'\n"))),
        format!(
            "os: {{bootloader: {{resetType: hard-reset}}}}\nstorage:\n  bootType: legacy\n  disks:\n  - \
             partitionTableType: gpt\n    maxSize: 4T\n    partitions:\n    - {{id: bios, type: bios-grub, size: 8M}}\n{}",
            many(|n| format!("    - {{id: p{n}, size: 1M}}\n"))
        ),
        format!(
            "storage:\n  filesystems:\n  - deviceId: a\n    type: btrfs\n    btrfs:\n      subvolumes:\n{}",
            many(|n| format!("      - {{path: a{}/b{n}, mountPoint: /x{n}}}\n", n % 7))
        ),
    ];
    for text in texts {
        let begun = Instant::now();
        check(text.as_bytes());
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", &text[..60]);
    }
}

/// The excerpt of a mistake is about one line; what stands before it and beside it must not cost much.
#[test]
fn mistakes_behind_much_text_are_shown_in_time() {
    const SIZE: usize = 1 << 20;
    let filled = |begin: &str, pattern: &str, end: &str| {
        format!("{begin}{}{end}", pattern.repeat(SIZE / pattern.len()))
    };
    let user = "{name: a, password: {type: plain-text, value: x}}, ";
    let texts = [
        filled("os: {hostname: \"a\n", " b\n", ""),
        filled("os: {hostname: 'a\n", "\n", ""),
        filled("os: {\"a\n", " b\n", "\": x}"),
        filled("os:\n  hostname: |\n", "    b\n", "  x: [\n"),
        filled("", "# b\n", "["),
        filled("os: {users: [", user, "], x: y}"),
        filled("os: {users: [", "{name: a, x: y, password: {type: plain-text, value: x}}, ", "]}"),
        filled(
            &format!("os: {{x: y, users: [{user} {{name: a, password: {{type: plain-text, value: "),
            "x",
            "}}]}",
        ),
    ];
    for text in texts {
        let begun = Instant::now();
        assert!(!check(text.as_bytes()), "{}", &text[..60]);
        println!("{:?} {:?}", &text[..20], begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", &text[..60]);
    }
}

#[test]
fn long_chains_of_merged_mappings_are_followed() {
    let number = 20_000;
    let mut text = String::from("~:\n- &a0 {hostname: a}\n");
    text.extend((1..number).map(|n| format!("- &a{n} {{<<: *a{}}}\n", n - 1)));
    text.push_str(&format!("os: {{<<: *a{}, modules: [{}]}}\n", number - 1, "{name: ~},".repeat(500)));
    assert!(!check(text.as_bytes()));
    let nested = format!("os: {{<<: {}{{}}{}}}", "{<<: ".repeat(9_000), "}".repeat(9_000));
    assert!(check(nested.as_bytes()));
}

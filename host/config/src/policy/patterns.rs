//! How patterns of paths relate to each other.
//!
//! A pattern is a list of names; `**` stands for any number of names, `*` and `?` for characters in one.

/// Whether everything that `inner` matches is matched by `outer`. May say no where it is so, never yes where it is not.
pub(super) fn covers(outer: &str, inner: &str) -> bool {
    let (outer, inner) = (parts(outer), parts(inner));
    // table[i]: whether outer[i..] covers inner[j..], for the j of the round.
    table(outer.len(), inner.len(), |cell, i, j| match (outer.get(i), inner.get(j)) {
        (None, None) => true,
        (Some(&"**"), None) => cell(i + 1, j),
        (Some(&"**"), Some(_)) => cell(i + 1, j) || cell(i, j + 1),
        // A trailing `**` of the inner pattern matches the directory itself too, so the outer one has to go on.
        (_, Some(&"**")) | (None, _) | (_, None) => false,
        (Some(outer), Some(inner)) => name_covers(outer, inner) && cell(i + 1, j + 1),
    })
}

/// Whether some path is matched by both.
pub(super) fn overlap(a: &str, b: &str) -> bool {
    let (a, b) = (parts(a), parts(b));
    table(a.len(), b.len(), |cell, i, j| match (a.get(i), b.get(j)) {
        (None, None) => true,
        (Some(&"**"), Some(_)) => cell(i + 1, j) || cell(i, j + 1),
        (Some(_), Some(&"**")) => cell(i, j + 1) || cell(i + 1, j),
        (Some(&"**"), None) => cell(i + 1, j),
        (None, Some(&"**")) => cell(i, j + 1),
        (None, Some(_)) | (Some(_), None) => false,
        (Some(a), Some(b)) => names_overlap(a, b) && cell(i + 1, j + 1),
    })
}

fn parts(pattern: &str) -> Vec<&str> {
    pattern.split('/').filter(|part| !part.is_empty()).collect()
}

/// `*` of the inner name is a character that only `*` of the outer one stands for, and `?` one that `*` and `?` do.
fn name_covers(outer: &str, inner: &str) -> bool {
    let (outer, inner): (Vec<char>, Vec<char>) = (outer.chars().collect(), inner.chars().collect());
    table(outer.len(), inner.len(), |cell, i, j| match (outer.get(i), inner.get(j)) {
        (None, None) => true,
        (Some('*'), None) => cell(i + 1, j),
        (Some('*'), Some(_)) => cell(i + 1, j) || cell(i, j + 1),
        (None, _) | (_, None) | (_, Some('*')) => false,
        (Some('?'), Some(_)) => cell(i + 1, j + 1),
        (Some(outer), Some(inner)) => outer == inner && cell(i + 1, j + 1),
    })
}

fn names_overlap(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    table(a.len(), b.len(), |cell, i, j| match (a.get(i), b.get(j)) {
        (None, None) => true,
        (Some('*'), Some('*')) => cell(i + 1, j) || cell(i, j + 1),
        (Some('*'), other) => cell(i + 1, j) || (other.is_some() && cell(i, j + 1)),
        (other, Some('*')) => cell(i, j + 1) || (other.is_some() && cell(i + 1, j)),
        (None, _) | (_, None) => false,
        (Some(a), Some(b)) => (a == b || *a == '?' || *b == '?') && cell(i + 1, j + 1),
    })
}

/// Fills a table from its end, where each cell may ask for cells behind it, and gives the first one. So the time is the
/// product of both lengths, whatever the patterns.
fn table(
    rows: usize,
    columns: usize,
    fill: impl Fn(&dyn Fn(usize, usize) -> bool, usize, usize) -> bool,
) -> bool {
    let width = columns + 1;
    let mut cells = vec![false; width.saturating_mul(rows + 1)];
    for i in (0..=rows).rev() {
        for j in (0..=columns).rev() {
            let filled = fill(
                &|i, j| i <= rows && j <= columns && cells.get(i * width + j).copied().unwrap_or(false),
                i,
                j,
            );
            if let Some(cell) = cells.get_mut(i * width + j) {
                *cell = filled;
            }
        }
    }
    cells.first().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_what_they_match() {
        let cases = [
            ("/**", "/", true),
            ("/**", "/a/b", true),
            ("/**", "/**", true),
            ("/etc/**", "/etc", true),
            ("/etc/**", "/etc/motd.d/**", true),
            ("/etc/**", "/etc/*", true),
            ("/etc/**", "/e*/motd", false),
            ("/etc/*", "/etc/motd", true),
            ("/etc/*", "/etc/*.conf", true),
            ("/etc/*", "/etc/**", false),
            ("/etc/*", "/etc", false),
            ("/etc/*.conf", "/etc/a*.conf", true),
            ("/etc/*.conf", "/etc/*", false),
            ("/etc/?", "/etc/?", true),
            ("/etc/?", "/etc/*", false),
            ("/etc/?", "/etc/a", true),
            ("/etc/??", "/etc/a", false),
            ("/a/**/b", "/a/b", true),
            ("/a/**/b", "/a/x/**/b", true),
            ("/a/**/b", "/a/**", false),
            ("/etc/motd", "/etc/motd", true),
            ("/etc/motd", "/etc/motd2", false),
            ("/etc/**/**", "/etc/**", true),
        ];
        for (outer, inner, expected) in cases {
            assert_eq!(covers(outer, inner), expected, "{outer} {inner}");
        }
    }

    #[test]
    fn patterns_overlap_where_a_path_fits_both() {
        let cases = [
            ("/etc/shadow*", "/etc/shadow", true),
            ("/etc/shadow*", "/etc/shadow-", true),
            ("/etc/shadow*", "/**/shadow", true),
            ("/etc/shadow*", "/**/passwd", false),
            ("/home/*/.ssh/**", "/home/joe/.ssh/id", true),
            ("/home/*/.ssh/**", "/*/*/*/id", true),
            ("/root/.ssh/**", "/root", false),
            ("/root/.ssh/**", "/root/.ssh", true),
            ("/etc/ssh/ssh_host_*_key", "/etc/ssh/ssh_host_?*_key", true),
            ("/etc/ssh/ssh_host_*_key", "/etc/ssh/sshd_config", false),
            ("/a*b", "/?", false),
            ("/a*b", "/*c*", true),
        ];
        for (a, b, expected) in cases {
            assert_eq!((overlap(a, b), overlap(b, a)), (expected, expected), "{a} {b}");
        }
    }
}

//! Rules of `scripts`.

use super::{Checker, given};
use crate::decode::clip;
use crate::model::scripts::{Script, Scripts};
use crate::rule::Rule;

pub(super) fn check(scripts: &Scripts, checker: &mut Checker) {
    let lists = [
        ("scripts.postCustomization", &scripts.post_customization),
        ("scripts.finalizeCustomization", &scripts.finalize_customization),
    ];
    for (list, scripts) in lists {
        for (index, script) in scripts.iter().enumerate() {
            check_script(script, &format!("{list}[{index}]"), checker);
        }
    }
}

fn check_script(script: &Script, field: &str, checker: &mut Checker) {
    match (given(&script.path), given(&script.content)) {
        (None, None) => {
            let message = "the script has neither `path` nor `content`";
            checker.fail(Rule::ScriptBody, field, script.at, message);
        }
        (Some(_), Some(content)) => {
            let message = "the script has both `path` and `content`";
            checker.fail_hint(Rule::ScriptBody, field, content.at, message, "keep one of them");
        }
        (Some(path), None) if !is_local(path) => {
            let message =
                format!("the script `{}` is not in or below the configuration's folder", clip(path));
            let hint = "move it there and name it by a relative path";
            checker.fail_hint(Rule::ScriptNotLocal, &format!("{field}.path"), path.at, message, hint);
        }
        _ => {}
    }
}

/// Whether a path is relative and, taken literally, never leaves the folder it starts from.
fn is_local(path: &str) -> bool {
    if path.is_empty() || path.starts_with('/') {
        return false;
    }
    let mut depth = 0_u32;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return false,
            },
            _ => depth = depth.saturating_add(1),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn local_paths_stay_below_their_folder() {
        for path in ["a", "a/b", "a/../b", "./a", "a/..", "."] {
            assert!(is_local(path), "{path}");
        }
        for path in ["", "/a", "..", "../a", "a/../../b"] {
            assert!(!is_local(path), "{path}");
        }
    }
}

use super::Scope;

fn scope(read: Option<&[&str]>, write: &[&str]) -> Scope {
    Scope::parse(read, write, false).unwrap()
}

#[test]
fn by_default_everything_but_secrets_is_read_and_nothing_is_written() {
    let scope = Scope::default();
    assert!(scope.allows_reading(b"/etc/passwd") && !scope.allows_writing(b"/etc/passwd"));
    assert!(!scope.allows_reading(b"/etc/shadow") && !scope.nodes());
    assert_eq!(scope.to_string(), "reads everything but secrets, writes nothing");
}

#[test]
fn what_is_unrestricted_covers_secrets_too() {
    let scope = Scope::unrestricted();
    assert!(scope.allows_reading(b"/etc/shadow") && scope.allows_writing(b"/etc/shadow") && scope.nodes());
}

#[test]
fn given_read_patterns_leave_the_rest_out_and_what_may_be_written_may_be_read() {
    let scope = scope(Some(&["/usr/**"]), &["/etc/motd"]);
    assert!(scope.allows_reading(b"/usr/lib/x") && scope.allows_reading(b"/etc/motd"));
    assert!(!scope.allows_reading(b"/etc/passwd") && !scope.allows_writing(b"/usr/lib/x"));
}

#[test]
fn secrets_are_covered_by_name_alone() {
    for (read, write, reads, writes) in [
        (None, &["/etc/**"][..], false, false),
        (Some(&["/**"][..]), &[], false, false),
        (Some(&["/etc/shado?"][..]), &[], false, false),
        (Some(&["/etc/shadow"][..]), &[], true, false),
        (Some(&["/etc/shadow"][..]), &["/etc/**"], true, false),
        (None, &["/etc/shadow"][..], true, true),
        (None, &["/**/shadow"], true, true),
    ] {
        let scope = scope(read, write);
        assert_eq!(scope.allows_reading(b"/etc/shadow"), reads, "{scope}");
        assert_eq!(scope.allows_writing(b"/etc/shadow"), writes, "{scope}");
    }
}

#[test]
fn a_scope_is_written_as_in_a_grant_and_reads_back() {
    for (scope, text) in [
        (scope(None, &["/etc/motd"]), r#"{"write":["/etc/motd"],"nodes":false}"#),
        (scope(Some(&[]), &[]), r#"{"read":[],"write":[],"nodes":false}"#),
        (Scope::unrestricted(), "null"),
    ] {
        assert_eq!(serde_json::to_string(&scope).unwrap(), text);
        assert_eq!(serde_json::from_str::<Scope>(text).unwrap(), scope);
    }
    assert_eq!(serde_json::from_str::<Scope>("{}").unwrap(), Scope::default());
    let error = serde_json::from_str::<Scope>(r#"{"write":["etc"]}"#).unwrap_err().to_string();
    assert!(error.contains("`etc`: a pattern begins with `/`"), "{error}");
    assert!(serde_json::from_str::<Scope>(r#"{"wirte":[]}"#).is_err());
}

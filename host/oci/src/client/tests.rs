//! A client against registries that mean harm, or are only slow to trust.

mod registry;

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::http::Patience;
use registry::{FakeRegistry, Seen, answer};

const LIMIT: u64 = 1 << 20;
const BINARY: &[u8] = b"\0asm\x0d\0\x01\0 component";

fn component() -> Component<'static> {
    Component {
        binary: BINARY,
        created: "1970-01-01T00:00:00Z".to_owned(),
        name: None,
        version: None,
        summary: None,
        exports: Vec::new(),
        imports: Vec::new(),
    }
}

fn manifest_bytes() -> Vec<u8> {
    component().artifact().unwrap().manifest
}

fn client() -> Client {
    Client::new(&Environment::default()).with_pause(Arc::new(|_| {}))
}

/// A client that knows the name and password `user` and `hunter2` for `registry`.
fn client_with_credentials(directory: &Path, registry: &FakeRegistry) -> Client {
    let file = directory.join("auth.json");
    let text =
        format!(r#"{{"auths":{{"{}":{{"username":"user","password":"hunter2"}}}}}}"#, registry.address);
    std::fs::write(&file, text).unwrap();
    Client::new(&Environment { registry_auth_file: Some(file), ..Environment::default() })
}

fn reference(registry: &FakeRegistry, rest: &str) -> Reference {
    format!("{}/a/b{rest}", registry.address).parse().unwrap()
}

/// What an honest registry answers.
fn honest(request: &Seen) -> Vec<u8> {
    let manifest = manifest_bytes();
    if request.target.contains("/manifests/") {
        return answer(200, &format!("Content-Type: {}\r\n", media_type::MANIFEST), &manifest);
    }
    if request.target.ends_with(&Digest::of(BINARY).to_string()) {
        return answer(200, "", BINARY);
    }
    answer(404, "", b"")
}

/// A registry that is honest but where `change` answers.
fn but(change: impl Fn(&Seen) -> Option<Vec<u8>> + Send + 'static) -> FakeRegistry {
    FakeRegistry::start(move |request| change(request).unwrap_or_else(|| honest(request)))
}

fn of_manifest(bytes: Vec<u8>) -> FakeRegistry {
    but(move |request| request.target.contains("/manifests/").then(|| bytes.clone()))
}

fn of_blob(bytes: Vec<u8>) -> FakeRegistry {
    but(move |request| request.target.contains("/blobs/").then(|| bytes.clone()))
}

#[test]
fn a_component_is_pulled_and_compared() {
    let registry = but(|_| None);
    let digest = Digest::of(&manifest_bytes());
    for rest in [":1".to_owned(), format!("@{digest}"), format!(":1@{digest}")] {
        let pulled = client().pull(&reference(&registry, &rest), LIMIT).unwrap();
        assert_eq!((pulled.component.as_slice(), &pulled.digest), (BINARY, &digest), "{rest}");
    }
    let seen = registry.seen();
    assert_eq!(seen[0].line(), "GET /v2/a/b/manifests/1");
    assert_eq!(seen[2].line(), format!("GET /v2/a/b/manifests/{digest}"));
    assert!(seen.iter().all(|request| request.header("authorization").is_none()));
    assert!(seen[0].header("accept").unwrap().contains(media_type::INDEX));
    assert_eq!(seen[0].header("user-agent"), Some("imagecustomizer"));
}

#[test]
fn hostile_answers_are_refused_by_what_is_wrong() {
    let kind = format!("Content-Type: {}\r\n", media_type::MANIFEST);
    let other = Digest::of(b"other");
    let huge = format!("HTTP/1.1 200 X\r\n{kind}Content-Length: 99999999999\r\n\r\n");
    let large_layer =
        String::from_utf8(manifest_bytes()).unwrap().replace("\"size\":18", "\"size\":999999999");
    assert!(large_layer.contains("999999999"));
    let cases: Vec<(FakeRegistry, ErrorKind, &str)> = vec![
        (of_manifest(answer(404, "", b"{}")), ErrorKind::NotFound, "there is no `127.0.0.1"),
        (
            of_manifest(answer(403, "", br#"{"errors":[{"code":"DENIED","message":"no\u001b[2J\n"}]}"#)),
            ErrorKind::Denied,
            "DENIED: no\\u{1b}[2J ",
        ),
        (of_manifest(answer(500, "", b"<html>")), ErrorKind::Registry, "status 500"),
        (
            of_manifest(answer(302, "Location: https://a.example/\r\n", b"")),
            ErrorKind::Protocol,
            "leads elsewhere",
        ),
        (of_manifest(answer(200, &kind, b"[[[[")), ErrorKind::Protocol, "cannot be understood"),
        (
            of_manifest(answer(200, "Content-Type: text/html\r\n", b"{}")),
            ErrorKind::NotAComponent,
            "`text/html`",
        ),
        (of_manifest(answer(200, "", &vec![b' '; (4 << 20) + 1])), ErrorKind::TooLarge, "4194304 bytes"),
        (of_manifest(huge.into_bytes()), ErrorKind::Protocol, ""),
        (
            of_manifest(answer(200, &format!("Docker-Content-Digest: {other}\r\n{kind}"), &manifest_bytes())),
            ErrorKind::DigestMismatch,
            "announced by the registry",
        ),
        (of_manifest(answer(200, &kind, large_layer.as_bytes())), ErrorKind::TooLarge, "1048576 are taken"),
        (of_manifest(b"garbage\r\n\r\n".to_vec()), ErrorKind::Protocol, "does not speak HTTP"),
        (
            of_manifest(format!("HTTP/1.1 200 X\r\nX: {}\r\n\r\n", "x".repeat(1 << 20)).into_bytes()),
            ErrorKind::TooLarge,
            "a head of more",
        ),
        (
            of_blob(answer(200, "", b"\0asm another one here")),
            ErrorKind::DigestMismatch,
            "more than the 18 bytes",
        ),
        (of_blob(answer(200, "", b"\0asm\x0d\0\x01\0 COMPONENT")), ErrorKind::DigestMismatch, "not sha256:"),
        (of_blob(answer(200, "", b"\0asm")), ErrorKind::DigestMismatch, "4 bytes instead of 18"),
        (
            of_blob(b"HTTP/1.1 200 X\r\nContent-Length: 14\r\n\r\n\0asm".to_vec()),
            ErrorKind::Unreachable,
            "ended early",
        ),
        (
            of_blob(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nxx".to_vec()),
            ErrorKind::Protocol,
            "does not speak HTTP",
        ),
        (of_blob(answer(404, "", b"")), ErrorKind::NotFound, "no content sha256:"),
        (of_blob(answer(302, "Location: ftp://a/\r\n", b"")), ErrorKind::Protocol, "leads to no address"),
        (of_blob(answer(302, "", b"")), ErrorKind::Protocol, "leads to no address"),
        (
            of_blob(answer(302, "Location: http://store.example/x?sig=s3cr3t\r\n", b"")),
            ErrorKind::Protocol,
            "not as safe",
        ),
        (
            of_blob(answer(302, "Location: /v2/a/b/blobs/again\r\n", b"")),
            ErrorKind::Protocol,
            "more than 5 times",
        ),
    ];
    for (registry, kind, words) in cases {
        let error = client().pull(&reference(&registry, ":1"), LIMIT).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(words), "{words}: {said}");
        assert!(kind == error.kind() || words.is_empty(), "{words}: {:?} {said}", error.kind());
        assert!(!said.contains(char::is_control) && !said.contains("s3cr3t"), "{said}");
    }
}

#[test]
fn another_manifest_than_the_one_asked_for_is_refused() {
    let registry = but(|_| None);
    let wanted = Digest::of(b"other");
    let error = client().pull(&reference(&registry, &format!(":1@{wanted}")), LIMIT).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DigestMismatch);
    let said = error.to_string();
    assert!(
        said.contains(&wanted.to_string()) && said.contains(&Digest::of(&manifest_bytes()).to_string()),
        "{said}"
    );
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (registry, kind) in
        [(closed.to_string(), ErrorKind::Unreachable), ("nowhere.invalid".to_owned(), ErrorKind::UnknownHost)]
    {
        let error = client().pull(&format!("{registry}/a:1").parse().unwrap(), LIMIT).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(&registry), "{error}");
    }
}

#[test]
fn busy_registries_are_asked_again_a_few_times_and_not_longer() {
    let busy = |times: usize, bytes: &'static [u8]| {
        let left = Mutex::new(times);
        but(move |_| {
            let mut left = left.lock().unwrap();
            let again = left.checked_sub(1)?;
            *left = again;
            Some(bytes.to_vec())
        })
    };
    let waits = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&waits);
    let client = client().with_pause(Arc::new(move |wait| noted.lock().unwrap().push(wait)));
    let too_many = b"HTTP/1.1 429 X\r\nRetry-After: 3600\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    client.pull(&reference(&busy(2, too_many), ":1"), LIMIT).unwrap();
    assert_eq!(waits.lock().unwrap().as_slice(), [Duration::from_secs(10); 2]);
    client.pull(&reference(&busy(1, b""), ":1"), LIMIT).unwrap();
    let for_ever = busy(usize::MAX, too_many);
    let error = client.pull(&reference(&for_ever, ":1"), LIMIT).unwrap_err();
    assert!(error.to_string().contains("status 429"), "{error}");
    assert_eq!(for_ever.seen().len(), 3);
}

#[test]
fn credentials_stay_with_their_registry() {
    let store = FakeRegistry::start(|_| answer(200, "", BINARY));
    let elsewhere = format!("Location: http://{}/signed?sig=x\r\n", store.address);
    let registry = but(move |request| match request.header("authorization") {
        Some("Basic dXNlcjpodW50ZXIy") if request.target.contains("/blobs/") => {
            Some(answer(307, &elsewhere, b""))
        }
        Some("Basic dXNlcjpodW50ZXIy") => None,
        _ => Some(answer(401, "WWW-Authenticate: Basic realm=\"x\"\r\n", b"")),
    });
    let scene = tempfile::tempdir().unwrap();
    client_with_credentials(scene.path(), &registry).pull(&reference(&registry, ":1"), LIMIT).unwrap();
    let led = store.seen();
    assert_eq!(led.len(), 1);
    assert_eq!((led[0].line().as_str(), led[0].header("authorization")), ("GET /signed?sig=x", None));
    // Asked in vain once, and known from then on.
    let shown: Vec<bool> =
        registry.seen().iter().map(|request| request.header("authorization").is_some()).collect();
    assert_eq!(shown, [false, true, true]);
}

#[test]
fn a_token_is_asked_of_the_server_that_the_registry_names() {
    let tokens = FakeRegistry::start(|request| match request.header("authorization") {
        Some("Basic dXNlcjpodW50ZXIy") => answer(200, "", br#"{"token":"t0k3n","expires_in":60}"#),
        _ => answer(401, "", b""),
    });
    let challenge = format!(
        "WWW-Authenticate: Bearer realm=\"http://{}/token?x=y&scope=repository:all:*&%73ervice=z\",service=\"s p\",scope=\"repository:all:*\"\r\n",
        tokens.address
    );
    let registry = but(move |request| match request.header("authorization") {
        Some("Bearer t0k3n") => None,
        _ => Some(answer(401, &challenge, b"")),
    });
    let scene = tempfile::tempdir().unwrap();
    client_with_credentials(scene.path(), &registry).pull(&reference(&registry, ":1"), LIMIT).unwrap();
    assert_eq!(tokens.seen()[0].line(), "GET /token?x=y&service=s%20p&scope=repository%3Aa%2Fb%3Apull");
    assert_eq!(tokens.seen().len(), 1);
    // Without credentials the token server is asked all the same, and says no.
    let error = client().pull(&reference(&registry, ":1"), LIMIT).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.hint().unwrap().contains("docker login 127.0.0.1"), "{error:?}");
}

#[test]
fn an_identity_token_is_exchanged_and_shown_to_nobody_else() {
    let tokens = FakeRegistry::start(|request| match request.method.as_str() {
        "POST" => answer(200, "", br#"{"access_token":"t0k3n","token":null}"#),
        _ => answer(405, "", b""),
    });
    let challenge = format!(
        "WWW-Authenticate: Bearer realm=\"http://{}/oauth2/token\",service=\"s\"\r\n",
        tokens.address
    );
    let registry = but(move |request| match request.header("authorization") {
        Some("Bearer t0k3n") => None,
        _ => Some(answer(401, &challenge, b"")),
    });
    let scene = tempfile::tempdir().unwrap();
    let file = scene.path().join("auth.json");
    std::fs::write(&file, format!(r#"{{"auths":{{"{}":{{"identitytoken":"id&1"}}}}}}"#, registry.address))
        .unwrap();
    let client = Client::new(&Environment { registry_auth_file: Some(file), ..Environment::default() });
    client.pull(&reference(&registry, ":1"), LIMIT).unwrap();
    let asked = tokens.seen();
    assert_eq!((asked.len(), asked[0].line().as_str()), (1, "POST /oauth2/token"));
    assert_eq!(
        String::from_utf8(asked[0].body.clone()).unwrap(),
        "grant_type=refresh_token&client_id=imagecustomizer&service=s&scope=repository%3Aa%2Fb%3Apull&refresh_token=id%261"
    );
    let shown = |request: &Seen| request.header("authorization").is_some_and(|value| value.contains("id&1"));
    assert!(!registry.seen().iter().any(shown));
}

#[test]
fn token_servers_that_are_not_to_be_trusted_get_nothing() {
    for (realm, words) in [
        ("http://tokens.example/", "without TLS, `http://tokens.example`"),
        ("file:///etc/passwd", "names no token server"),
        ("", "names no token server"),
    ] {
        let registry = FakeRegistry::start(move |_| {
            answer(401, &format!("WWW-Authenticate: Bearer realm=\"{realm}\"\r\n"), b"")
        });
        let scene = tempfile::tempdir().unwrap();
        let client = client_with_credentials(scene.path(), &registry);
        let error = client.pull(&reference(&registry, ":1"), LIMIT).unwrap_err();
        assert!(error.to_string().contains(words), "{words}: {error}");
        assert!(registry.seen().iter().all(|request| request.header("authorization").is_none()));
    }
}

#[test]
fn tokens_that_are_none_are_not_used() {
    for body in
        ["", "{}", r#"{"token":""}"#, r#"{"token":"a b"}"#, r#"{"token":"a\r\nX: y"}"#, r#"{"token":1}"#]
    {
        let tokens = FakeRegistry::start(move |_| answer(200, "", body.as_bytes()));
        let challenge = format!("WWW-Authenticate: Bearer realm=\"http://{}/\"\r\n", tokens.address);
        let registry = FakeRegistry::start(move |_| answer(401, &challenge, b""));
        let error = client().pull(&reference(&registry, ":1"), LIMIT).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}: {error}");
        assert_eq!(registry.seen().len(), 1);
    }
}

#[test]
fn secrets_that_a_registry_gives_back_are_not_shown() {
    let registry = FakeRegistry::start(|request| match request.header("authorization") {
        Some(shown) => {
            let body = format!(r#"{{"errors":[{{"code":"DENIED","message":"{shown} is hunter2"}}]}}"#);
            answer(403, "", body.as_bytes())
        }
        None => answer(401, "WWW-Authenticate: Basic realm=\"x\"\r\n", b""),
    });
    let scene = tempfile::tempdir().unwrap();
    let client = client_with_credentials(scene.path(), &registry);
    let error = client.pull(&reference(&registry, ":1"), LIMIT).unwrap_err();
    let said = format!("{error} {error:?}");
    assert!(said.contains("DENIED: Basic [secret] is [secret]"), "{said}");
    assert!(!said.contains("hunter2") && !said.contains("dXNlcjpodW50ZXIy"), "{said}");
}

#[test]
fn secrets_in_headers_and_names_are_not_shown_either() {
    let kind = format!("Content-Type: {}\r\n", media_type::MANIFEST);
    let manifest = String::from_utf8(manifest_bytes()).unwrap();
    let said = |head: &str, body: &str| answer(200, head, body.as_bytes());
    let to_host = answer(307, "Location: http://hunter2.example/\r\n", b"");
    let cases = [
        (said(&format!("{kind}Docker-Content-Digest: sha256:hunter2\r\n"), &manifest), None),
        (said("Content-Type: text/Hunter2\r\n", &manifest), None),
        (said("", &manifest.replace(media_type::WASM_CONFIG, "x/hunter2")), None),
        (said("", &manifest.replace("\"size\":18", "\"size\":\"hunter2\"")), None),
        (
            said(
                "",
                &manifest.replace(media_type::MANIFEST, &format!("{}dXNlcjpodW50ZXIy", "x".repeat(190))),
            ),
            None,
        ),
        (said(&kind, &manifest), Some(to_host)),
    ];
    for (number, (of_manifest, of_blob)) in cases.into_iter().enumerate() {
        let registry = but(move |request| match request.header("authorization") {
            None => Some(answer(401, "WWW-Authenticate: Basic realm=\"x\"\r\n", b"")),
            Some(_) if request.target.contains("/blobs/") => of_blob.clone(),
            Some(_) => Some(of_manifest.clone()),
        });
        let scene = tempfile::tempdir().unwrap();
        let client = client_with_credentials(scene.path(), &registry);
        let error = client.pull(&reference(&registry, ":1"), LIMIT).unwrap_err();
        let said = format!("{error:?}").to_lowercase();
        assert!(said.contains("[secret]"), "{number}: {said}");
        assert!(!said.contains("hunter2") && !said.contains("dxnlcj"), "{number}: {said}");
    }
}

#[test]
fn who_leads_back_to_the_registry_does_not_get_its_credentials_used() {
    let home = Arc::new(Mutex::new(String::new()));
    let told = Arc::clone(&home);
    let store = FakeRegistry::start(move |_| {
        answer(307, &format!("Location: http://{}/v2/a/other/blobs/x\r\n", told.lock().unwrap()), b"")
    });
    let away = format!("Location: http://{}/x\r\n", store.address);
    let registry = but(move |request| match (request.header("authorization"), request.target.as_str()) {
        (_, "/v2/a/other/blobs/x") => Some(answer(200, "", BINARY)),
        (None, _) => Some(answer(401, "WWW-Authenticate: Basic realm=\"x\"\r\n", b"")),
        (_, "/v2/a/b/blobs/within") => Some(answer(307, &away, b"")),
        (_, target) if target.contains("/blobs/") => Some(answer(307, "Location: within\r\n", b"")),
        _ => None,
    });
    *home.lock().unwrap() = registry.address.to_string();
    let scene = tempfile::tempdir().unwrap();
    client_with_credentials(scene.path(), &registry).pull(&reference(&registry, ":1"), LIMIT).unwrap();
    let seen = registry.seen();
    let shown: Vec<(&str, bool)> = seen[2..]
        .iter()
        .map(|request| {
            (request.target.rsplit('/').next().unwrap(), request.header("authorization").is_some())
        })
        .collect();
    assert_eq!(shown[1..], [("within", true), ("x", false)]);
    assert!(shown[0].1);
}

#[test]
fn a_store_that_lets_nobody_in_is_named() {
    let store = FakeRegistry::start(|_| answer(401, "WWW-Authenticate: Basic realm=\"x\"\r\n", b""));
    let place = format!("http://{}", store.address);
    let registry = of_blob(answer(307, &format!("Location: {place}/x\r\n"), b""));
    let scene = tempfile::tempdir().unwrap();
    let client = client_with_credentials(scene.path(), &registry);
    let error = client.pull(&reference(&registry, ":1"), LIMIT).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    let words = format!("`{place}`, where `{}` leads, does not let us in", registry.address);
    assert!(error.to_string().starts_with(&words), "{error}");
    assert!(!error.hint().unwrap().contains("docker login"), "{error:?}");
}

#[test]
fn answers_that_drip_are_given_up() {
    const CHUNKED: &[u8] = b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    const REFUSED: &[u8] = b"HTTP/1.1 403 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    const LONG: &[u8] = b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n";
    for (start, drop, kind) in [
        (CHUNKED, b"x: y\r\n".as_slice(), ErrorKind::TimedOut),
        (REFUSED, b"x: y\r\n", ErrorKind::Denied),
        (LONG, b" ", ErrorKind::TimedOut),
    ] {
        let registry = FakeRegistry::dripping(start, drop);
        let reference = reference(&registry, ":1");
        let (sender, answers) = std::sync::mpsc::channel();
        // A client that hangs must not hang the test.
        std::thread::spawn(move || {
            let client =
                client().with_patience(Patience { least: Duration::from_millis(300), slowest: u64::MAX });
            sender.send(client.repository(&reference, Access::Pull).manifest("1").unwrap_err().kind())
        });
        assert_eq!(answers.recv_timeout(Duration::from_secs(20)), Ok(kind));
    }
}

#[test]
fn a_body_that_is_cut_short_is_fetched_once_more() {
    let cut = |of: &'static str, times: usize| {
        let left = Mutex::new(times);
        but(move |request| {
            let mut left = left.lock().unwrap();
            let again = left.checked_sub(1).filter(|_| request.target.contains(of))?;
            *left = again;
            let whole = honest(request);
            Some(whole[..whole.len() - 5].to_vec())
        })
    };
    for of in ["/manifests/", "/blobs/"] {
        let registry = cut(of, 2);
        assert_eq!(client().pull(&reference(&registry, ":1"), LIMIT).unwrap().component, BINARY, "{of}");
        let error = client().pull(&reference(&cut(of, 9), ":1"), LIMIT).unwrap_err();
        assert!(error.to_string().ends_with("ended early"), "{error}");
    }
}

#[test]
fn another_kind_of_digest_in_a_header_decides_nothing() {
    let head = format!("Content-Type: {}\r\nDocker-Content-Digest: sha512:00\r\n", media_type::MANIFEST);
    let registry = of_manifest(answer(200, &head, &manifest_bytes()));
    assert_eq!(client().pull(&reference(&registry, ":1"), LIMIT).unwrap().component, BINARY);
}

#[test]
fn large_uploads_are_announced_and_may_be_refused_before_they_are_sent() {
    let binary = vec![7; 3 << 20];
    let large = Component { binary: &binary, ..component() };
    let refusing = |status: u16| {
        FakeRegistry::start(move |request| match (request.method.as_str(), request.header("expect")) {
            ("HEAD", _) => b"HTTP/1.1 404 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_vec(),
            ("POST", _) => answer(202, "Location: here\r\n", b""),
            (_, Some(_)) if request.header("authorization").is_none() => {
                answer(status, "WWW-Authenticate: Basic realm=\"x\"\r\n", b"")
            }
            _ => answer(201, "", b""),
        })
    };
    let registry = refusing(413);
    let error = client().push(&reference(&registry, ":1"), &large).unwrap_err();
    assert!(error.to_string().ends_with("answers with status 413"), "{error}");
    let registry = refusing(401);
    let scene = tempfile::tempdir().unwrap();
    client_with_credentials(scene.path(), &registry).push(&reference(&registry, ":1"), &large).unwrap();
    let sent = |request: &Seen| (request.method == "PUT").then_some(request.body.len());
    let sizes = |registry: &FakeRegistry| -> Vec<usize> { registry.seen().iter().filter_map(sent).collect() };
    assert_eq!(sizes(&registry)[..2], [0, binary.len()]);
    // Some know nothing of announcements.
    let registry = refusing(417);
    client().push(&reference(&registry, ":1"), &large).unwrap();
    assert_eq!(sizes(&registry)[..2], [0, binary.len()]);
}

#[test]
fn a_registry_that_hangs_up_during_an_upload_is_not_called_unreachable() {
    let registry = FakeRegistry::start(|request| match request.method.as_str() {
        "HEAD" => b"HTTP/1.1 404 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_vec(),
        "POST" => answer(202, "Location: here\r\n", b""),
        _ => Vec::new(),
    });
    let error = client().push(&reference(&registry, ":1"), &component()).unwrap_err();
    assert!(error.to_string().contains("hung up during the upload"), "{error}");
}

/// A registry that takes everything; uploads are to go to what `place` gives.
fn taking(place: impl Fn() -> String + Send + 'static) -> FakeRegistry {
    FakeRegistry::start(move |request| match request.method.as_str() {
        "HEAD" => b"HTTP/1.1 404 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_vec(),
        "POST" => answer(202, &format!("Location: {}\r\n", place()), b""),
        _ => answer(201, "", b""),
    })
}

#[test]
fn a_component_is_pushed_in_the_order_that_registries_want() {
    let registry = taking(|| "/upload/here?state=x".to_owned());
    let digest = client().push(&reference(&registry, ":1"), &component()).unwrap();
    assert_eq!(digest, Digest::of(&manifest_bytes()));
    let seen = registry.seen();
    let methods: Vec<&str> = seen.iter().map(|request| request.method.as_str()).collect();
    assert_eq!(methods, ["HEAD", "POST", "PUT", "HEAD", "POST", "PUT", "PUT"]);
    let blob = Digest::of(BINARY).to_string().replace(':', "%3A");
    assert_eq!(seen[2].target, format!("/upload/here?state=x&digest={blob}"));
    assert_eq!(seen[2].body, BINARY);
    assert_eq!(seen[6].line(), "PUT /v2/a/b/manifests/1");
    assert_eq!(seen[6].header("content-type"), Some(media_type::MANIFEST));
    assert_eq!(seen[6].body, manifest_bytes());
    // Without a tag, the digest is its name.
    client().push(&reference(&registry, ""), &component()).unwrap();
    assert_eq!(registry.seen()[13].line(), format!("PUT /v2/a/b/manifests/{digest}"));
}

#[test]
fn uploads_go_elsewhere_without_credentials_or_not_at_all() {
    let store = FakeRegistry::start(|_| answer(201, "", b""));
    let place = format!("http://{}/u", store.address);
    let registry = FakeRegistry::start(move |request| {
        match (request.header("authorization"), request.method.as_str()) {
            (None, _) => answer(401, "WWW-Authenticate: Basic realm=\"x\"\r\n", b""),
            (_, "POST") => answer(202, &format!("Location: {place}\r\n"), b""),
            (_, "PUT") => answer(201, "", b""),
            _ => answer(404, "", b""),
        }
    });
    let scene = tempfile::tempdir().unwrap();
    let with_credentials = client_with_credentials(scene.path(), &registry);
    with_credentials.push(&reference(&registry, ":1"), &component()).unwrap();
    assert_eq!(store.seen().len(), 2);
    assert!(store.seen().iter().all(|request| request.header("authorization").is_none()));

    for place in ["http://store.example/u", "//store.example/u", ""] {
        let registry = taking(move || place.to_owned());
        let error = client().push(&reference(&registry, ":1"), &component()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{place}: {error}");
    }
}

#[test]
fn a_push_that_is_not_taken_is_an_error() {
    let other = format!("Docker-Content-Digest: {}\r\n", Digest::of(b"other"));
    let registry = FakeRegistry::start(move |request| match request.method.as_str() {
        "PUT" => answer(201, &other, b""),
        _ => answer(200, "", b""),
    });
    let error = client().push(&reference(&registry, ":1"), &component()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DigestMismatch);
    let wrong = reference(&registry, &format!(":1@{}", Digest::of(b"other")));
    assert_eq!(client().push(&wrong, &component()).unwrap_err().kind(), ErrorKind::Reference);
    let read_only = FakeRegistry::start(|_| {
        answer(405, "", br#"{"errors":[{"code":"UNSUPPORTED","message":"read only"}]}"#)
    });
    let error = client().push(&reference(&read_only, ":1"), &component()).unwrap_err();
    assert!(error.to_string().ends_with("status 405: UNSUPPORTED: read only"), "{error}");
}

#[test]
fn what_is_pinned_is_fetched_once() {
    let scene = tempfile::tempdir().unwrap();
    let registry = but(|_| None);
    let client = client().with_cache(Some(BlobCache::at(scene.path().join("oci"))));
    let pinned = reference(&registry, &format!("@{}", Digest::of(&manifest_bytes())));
    for _ in 0..3 {
        assert_eq!(client.pull(&pinned, LIMIT).unwrap().component, BINARY);
        assert_eq!(registry.seen().len(), 2);
    }
    // A tag may have moved; its content need not come again.
    client.pull(&reference(&registry, ":1"), LIMIT).unwrap();
    assert_eq!(registry.seen().len(), 3);
    for entry in std::fs::read_dir(scene.path().join("oci")).unwrap() {
        std::fs::write(entry.unwrap().path(), "damaged").unwrap();
    }
    assert_eq!(client.pull(&pinned, LIMIT).unwrap().component, BINARY);
    assert_eq!(registry.seen().len(), 5);
}

#[test]
fn what_was_fetched_elsewhere_is_not_taken_for_what_lies_here() {
    let scene = tempfile::tempdir().unwrap();
    let client = client().with_cache(Some(BlobCache::at(scene.path().join("oci"))));
    let pin = format!("@{}", Digest::of(&manifest_bytes()));
    client.pull(&reference(&but(|_| None), &pin), LIMIT).unwrap();
    let empty = FakeRegistry::start(|_| answer(404, "", b""));
    let error = client.pull(&reference(&empty, &pin), LIMIT).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

//! A token server, as registries name one: it gives tokens to whoever knows the password, for what they ask for.
//!
//! The tokens are signed by `openssl` and checked by the registry, so both sides of the exchange are somebody else's.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use fixtures::process::{command, output, output_with_input};
use serde_json::{Value, json};

use crate::Outcome;

/// Who gives the tokens, and whom they are for.
pub const NAME: &str = "token-server";

/// A token server on a thread of its own.
pub struct TokenServer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl TokenServer {
    /// Starts one that keeps its key in `directory` and wants `authorization` as that header's value.
    ///
    /// # Errors
    /// No key can be made.
    pub fn start(directory: &Path, authorization: &str) -> Outcome<Self> {
        fs::create_dir_all(directory)?;
        let mut openssl = command("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tokens"]);
        output(openssl.args(["-keyout", "token.key", "-out", "token.pem"]).current_dir(directory))?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, asked) = (listener.local_addr()?, Arc::new(Mutex::new(Vec::new())));
        let (noted, directory, wanted) = (Arc::clone(&asked), directory.to_owned(), authorization.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A failure shows as a registry that lets nobody in.
                _ = serve(&stream, &directory, &wanted, &noted);
            }
        });
        Ok(Self { address, asked })
    }

    /// Where it is asked.
    pub fn realm(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// What was asked for so far: the target of each request.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The certificate that the tokens of the server in `directory` are checked with.
pub fn certificate(directory: &Path) -> PathBuf {
    directory.join("token.pem")
}

fn serve(mut stream: &TcpStream, directory: &Path, wanted: &str, asked: &Mutex<Vec<String>>) -> Outcome {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let target = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut knows = false;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        let header = line.split_once(": ");
        knows |=
            header.is_some_and(|(name, value)| name.eq_ignore_ascii_case("authorization") && value == wanted);
    }
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(target.clone());
    let (status, body) = match knows {
        true => ("200 OK", json!({ "token": token(directory, &target)? }).to_string()),
        false => ("401 Unauthorized", "{}".to_owned()),
    };
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")?;
    Ok(())
}

/// A JSON Web Token for the scope in the query of `target`.
fn token(directory: &Path, target: &str) -> Outcome<String> {
    let scope = target.split(['?', '&']).find_map(|part| part.strip_prefix("scope=")).unwrap_or_default();
    let scope = scope.replace("%3A", ":").replace("%2F", "/").replace("%2C", ",");
    let parts: Vec<&str> = scope.split(':').collect();
    let access: Vec<Value> = match parts.as_slice() {
        [kind, name, actions] => {
            vec![json!({ "type": kind, "name": name, "actions": actions.split(',').collect::<Vec<_>>() })]
        }
        _ => Vec::new(),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let certificate = fs::read_to_string(certificate(directory))?;
    let certificate: String = certificate.lines().filter(|line| !line.starts_with("-----")).collect();
    let header = json!({ "typ": "JWT", "alg": "RS256", "x5c": [certificate] });
    let claims = json!({
        "iss": NAME, "aud": NAME, "sub": "alice", "jti": "1",
        "iat": now, "nbf": now - 60, "exp": now + 60, "access": access,
    });
    let signed = format!(
        "{}.{}",
        base64url(header.to_string().as_bytes())?,
        base64url(claims.to_string().as_bytes())?
    );
    let mut openssl = command("openssl");
    openssl.args(["dgst", "-sha256", "-sign", "token.key"]).current_dir(directory);
    let signature = output_with_input(&mut openssl, signed.as_bytes())?;
    Ok(format!("{signed}.{}", base64url(&signature)?))
}

fn base64url(bytes: &[u8]) -> Outcome<String> {
    let text = output_with_input(command("openssl").args(["base64", "-A"]), bytes)?;
    Ok(String::from_utf8(text)?.trim().trim_end_matches('=').replace('+', "-").replace('/', "_"))
}

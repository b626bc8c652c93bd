//! A registry for tests: one thread, one request for each connection, and answers that need not make sense.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request that came in.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) target: String,
    head: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

pub(super) struct FakeRegistry {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl FakeRegistry {
    /// A registry that sends what `answer` gives for each request, and closes the connection.
    pub(super) fn start(answer: impl Fn(&Seen) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                match read(&stream, &answer) {
                    None => drop(stream.write_all(NO_TLS)),
                    Some(request) => {
                        let bytes = answer(&request);
                        noted.lock().unwrap().push(request);
                        // Who asked may have gone away.
                        let _ = stream.write_all(&bytes);
                    }
                }
            }
        });
        Self { address, seen }
    }

    /// A registry that begins with `start`, and then sends `drop` again and again, as long as somebody listens.
    pub(super) fn dripping(start: &'static [u8], drop: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                if read(&stream, &|_| Vec::new()).is_none() {
                    stream.write_all(NO_TLS).unwrap();
                    continue;
                }
                let mut goes_on = stream.write_all(start).is_ok();
                while goes_on {
                    thread::sleep(Duration::from_millis(20));
                    goes_on = stream.write_all(drop).is_ok();
                }
            }
        });
        Self { address, seen: Arc::default() }
    }

    /// The requests so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

const NO_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\n";

/// One request; `None` for what is not HTTP, as a greeting of TLS. A body that was announced is asked for unless it is going
/// to be refused.
fn read(mut stream: &TcpStream, answer: &impl Fn(&Seen) -> Vec<u8>) -> Option<Seen> {
    let mut reader = BufReader::new(stream);
    if reader.fill_buf().ok()?.first() == Some(&0x16) {
        return None;
    }
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut seen = Seen { method: words.next()?, target: words.next()?, ..Seen::default() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        seen.head.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if seen.header("expect").is_some() {
        if answer(&seen).starts_with(b"HTTP/1.1 4") {
            return Some(seen);
        }
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let length = seen.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    seen.body = vec![0; length];
    reader.read_exact(&mut seen.body).ok()?;
    Some(seen)
}

/// An answer; `head` is whole lines.
pub(super) fn answer(status: u16, head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes =
        format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n{head}\r\n")
            .into_bytes();
    bytes.extend(body);
    bytes
}

//! A collector on loopback that keeps the exact bytes of every request.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::{Outcome, failed};

/// Longest head of a request that is read, in bytes.
const MAX_HEAD: usize = 64 << 10;

/// Listens until the test ends.
pub struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Request>>>,
}

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// Request line and headers.
    pub head: Vec<u8>,
    /// What follows, as long as `content-length` says.
    pub body: Vec<u8>,
}

impl Request {
    /// The path of the request line.
    pub fn path(&self) -> String {
        let line = self.head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        String::from_utf8_lossy(line).split(' ').nth(1).unwrap_or_default().to_owned()
    }

    /// Whether the body holds `text`.
    pub fn says(&self, text: &str) -> bool {
        self.body.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

impl Collector {
    /// Begins to listen.
    ///
    /// # Errors
    /// There is no free port.
    pub fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || serve(stream, &kept));
            }
        });
        Ok(Self { address, received })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A connection string of Azure Monitor that leads here.
    pub fn connection_string(&self) -> String {
        let key = "00000000-0000-4000-8000-000000000000";
        format!("InstrumentationKey={key};IngestionEndpoint={}/", self.url())
    }

    /// What has come since the last call.
    pub fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.received.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// As [`Self::take`], and insists that something came.
    ///
    /// # Errors
    /// Nothing came.
    #[track_caller]
    pub fn expect(&self) -> Outcome<Vec<Request>> {
        let requests = self.take();
        if requests.is_empty() { Err(failed("nothing was sent")) } else { Ok(requests) }
    }
}

fn serve(mut stream: TcpStream, kept: &Mutex<Vec<Request>>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    while let Some(request) = read_request(&mut stream) {
        // Kept before it is answered: the program may end as soon as it has the answer.
        let head = String::from_utf8_lossy(&request.head).to_lowercase();
        kept.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let body = if head.contains("/v2/track") {
            r#"{"itemsReceived":1,"itemsAccepted":1,"errors":[]}"#
        } else {
            ""
        };
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
        if head.len() > MAX_HEAD {
            return None;
        }
    }
    let text = String::from_utf8_lossy(&head).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"))?.trim().parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Request { head, body })
}

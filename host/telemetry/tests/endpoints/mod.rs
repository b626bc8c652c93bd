//! Endpoints on the loopback, good and bad. Each listens on a port of its own until the process ends.

#![allow(dead_code, reason = "each of those who share it uses a part")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

pub(crate) mod proxy;
pub(crate) mod tls;

/// What an endpoint does with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behaviour {
    /// Answers with this status and these header lines.
    Answers(u16, &'static str),
    /// Answers with 200 after a while.
    AnswersAfter(Duration),
    /// Accepts the connection, reads, says nothing.
    Silent,
    /// Sends one byte of its answer's head each second.
    Drips,
    /// Sends a good head and then a body without end.
    EndlessBody,
    /// Sends a head without end.
    EndlessHead,
    /// Says that chunks follow, and sends none.
    NoChunks,
    /// Sends bytes that are not HTTP.
    Garbage,
    /// Ends the connection at once.
    Closes,
}

/// One request as it was on the wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    /// The request's line and its headers, each with its `\r\n`.
    pub(crate) head: String,
    /// As many bytes as `content-length` says.
    pub(crate) body: Vec<u8>,
}

/// A listening endpoint.
#[derive(Clone)]
pub(crate) struct Endpoint {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Endpoint {
    /// Starts to listen.
    pub(crate) fn start(behaviour: Behaviour) -> io::Result<Self> {
        Self::serve(move |mut stream, received| act(behaviour, &mut stream, received))
    }

    /// Starts to listen, with something else to do for each connection.
    pub(crate) fn serve<F>(act: F) -> io::Result<Self>
    where
        F: Fn(TcpStream, &Mutex<Vec<Received>>) -> io::Result<()> + Send + Sync + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let endpoint = Self { address: listener.local_addr()?, received: Arc::default() };
        let (received, act) = (Arc::clone(&endpoint.received), Arc::new(act));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (received, act) = (Arc::clone(&received), Arc::clone(&act));
                // A client that goes away is what many tests are about.
                thread::spawn(move || drop(act(stream, &received)));
            }
        });
        Ok(endpoint)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address for HTTP without TLS.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests until now.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn act(behaviour: Behaviour, stream: &mut TcpStream, received: &Mutex<Vec<Received>>) -> io::Result<()> {
    if matches!(behaviour, Behaviour::Closes) {
        return Ok(());
    }
    let request = read_request(stream)?;
    received.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    match behaviour {
        Behaviour::Closes => Ok(()),
        Behaviour::Answers(status, headers) => answer(stream, status, headers),
        Behaviour::AnswersAfter(time) => {
            thread::sleep(time);
            answer(stream, 200, "")
        }
        Behaviour::Silent => stay(stream),
        Behaviour::Drips => {
            for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" {
                stream.write_all(&[*byte])?;
                thread::sleep(Duration::from_secs(1));
            }
            Ok(())
        }
        Behaviour::EndlessBody => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")?;
            endless(stream, &[b'x'; 4096])
        }
        Behaviour::EndlessHead => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            endless(stream, b"x-more: and more\r\n")
        }
        Behaviour::NoChunks => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzzzz\r\nno chunk\r\n")?;
            stay(stream)
        }
        Behaviour::Garbage => {
            stream.write_all(&[0, 255, 10, 13, 128, 10].repeat(100))?;
            stay(stream)
        }
    }
}

/// Holds the connection until the client ends it.
fn stay(stream: &mut TcpStream) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(drop)
}

fn endless(stream: &mut TcpStream, piece: &[u8]) -> io::Result<()> {
    loop {
        stream.write_all(piece)?;
    }
}

/// Reads one request with its body.
pub(crate) fn read_request(stream: &mut impl Read) -> io::Result<Received> {
    let mut reader = BufReader::with_capacity(1, stream);
    let mut received = Received::default();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == "\r\n" {
            break;
        }
        received.head.push_str(&line);
    }
    let length = received.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    reader.take(length).read_to_end(&mut received.body)?;
    Ok(received)
}

impl Received {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The path of the request.
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or("")
    }
}

/// Writes a small answer, as Azure Monitor and collectors give it.
pub(crate) fn answer(stream: &mut impl Write, status: u16, headers: &str) -> io::Result<()> {
    let body = r#"{"itemsReceived":1,"itemsAccepted":1,"errors":[]}"#;
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} So\r\n{headers}content-length: {length}\r\n\r\n{body}")?;
    stream.flush()
}

/// An address where nobody listens.
pub(crate) fn refused() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// An address that drops what comes, as behind a firewall: a listener that accepts nothing, with its queue full.
pub(crate) struct Blackhole {
    listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl Blackhole {
    /// Starts to listen and fills the queue.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        // A second call sets the length of the queue.
        rustix::net::listen(&listener, 0)?;
        let address = listener.local_addr()?;
        let mut queued = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            queued.push(stream);
        }
        Ok(Self { listener, _queued: queued })
    }

    /// Its address for HTTP without TLS.
    pub(crate) fn url(&self) -> io::Result<String> {
        Ok(format!("http://{}", self.listener.local_addr()?))
    }
}

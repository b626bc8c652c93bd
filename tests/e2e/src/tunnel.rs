//! An HTTP proxy that leads every name to one server of this machine.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::Outcome;

/// A proxy on threads of its own.
pub struct Tunnel {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Tunnel {
    /// Starts a proxy that leads to `target`, an address with a port.
    ///
    /// # Errors
    /// There is no port for it.
    pub fn start(target: &str) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, asked) = (listener.local_addr()?, Arc::new(Mutex::new(Vec::new())));
        let (noted, target) = (Arc::clone(&asked), target.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (noted, target) = (Arc::clone(&noted), target.clone());
                // Who asked sees a connection that breaks.
                thread::spawn(move || _ = lead(&stream, &target, &noted));
            }
        });
        Ok(Self { address, asked })
    }

    /// What a variable like `HTTPS_PROXY` holds.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Names and ports that were asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn lead(mut client: &TcpStream, target: &str, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let place = line.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(place.to_owned());
    while line.trim_end() != "" {
        line.clear();
        reader.read_line(&mut line)?;
    }
    let server = TcpStream::connect(target)?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (mut from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || io::copy(&mut from_server, &mut to_client));
    io::copy(&mut reader, &mut &server)?;
    server.shutdown(std::net::Shutdown::Write)
}

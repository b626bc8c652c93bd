//! A proxy that leads to one place, whatever it is asked for: names need not exist then.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::PoisonError;
use std::thread;

use super::{Endpoint, Received, read_request};

/// Starts a proxy for `CONNECT` in front of `place`.
pub(crate) fn start(place: SocketAddr) -> io::Result<Endpoint> {
    Endpoint::serve(move |mut stream, received| {
        let request = read_request(&mut stream)?;
        let connects = request.head.starts_with("CONNECT ");
        received.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        if !connects {
            return super::answer(&mut stream, 405, "");
        }
        stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
        join(stream, TcpStream::connect(place)?)
    })
}

fn join(client: TcpStream, place: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_place) = (client.try_clone()?, place.try_clone()?);
    thread::spawn(move || drop(io::copy(&mut from_client, &mut to_place)));
    let (mut from_place, mut to_client) = (place, client);
    io::copy(&mut from_place, &mut to_client).map(drop)
}

/// As [`start`], for version 5 of SOCKS without a password; keeps the name that is asked for.
pub(crate) fn start_socks(place: SocketAddr) -> io::Result<Endpoint> {
    Endpoint::serve(move |mut stream, received| {
        let greeting = read(&mut stream, 2)?;
        read(&mut stream, greeting.last().copied().unwrap_or(0).into())?;
        stream.write_all(&[5, 0])?;
        let request = read(&mut stream, 5)?;
        // Version, `CONNECT`, nothing, a name, its length.
        let [5, 1, 0, 3, length] = request.as_slice() else { return Err(io::ErrorKind::InvalidData.into()) };
        let name = read(&mut stream, (*length).into())?;
        read(&mut stream, 2)?;
        let request = Received { head: String::from_utf8_lossy(&name).into_owned(), body: Vec::new() };
        received.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
        join(stream, TcpStream::connect(place)?)
    })
}

fn read(stream: &mut TcpStream, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

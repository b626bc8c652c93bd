//! A proxy that leads to one place, whatever it is asked for: names need not exist then.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::PoisonError;
use std::thread;

use super::{Endpoint, read_request};

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

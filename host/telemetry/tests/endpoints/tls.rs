//! An endpoint that speaks TLS, with a certificate that nobody signed but itself.

use std::io;
use std::sync::{Arc, PoisonError};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{Endpoint, answer, read_request};

/// The certificate that one has to trust; `localhost.gen.sh` makes it.
pub(crate) const CERTIFICATE: &[u8] = include_bytes!("localhost.pem");
const KEY: &[u8] = include_bytes!("localhost.key.pem");

/// Starts an endpoint for `localhost` that answers 200.
pub(crate) fn start() -> io::Result<Endpoint> {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_slice(KEY).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .map_err(io::Error::other)?;
    let config = Arc::new(config);
    Endpoint::serve(move |stream, received| {
        let connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        let request = read_request(&mut stream)?;
        received.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        answer(&mut stream, 200, "")
    })
}

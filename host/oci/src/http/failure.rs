//! Why a request had no answer, in words for a person.

use std::io;

use crate::error::{Error, ErrorKind};
use crate::shown::shown;

use super::Method;

/// Why an exchange was broken off.
pub(crate) enum Cause {
    /// By the library.
    Network(ureq::Error),
    /// While a body was sent.
    UploadEnded(io::Error),
    /// The body did not come to its end.
    EndedEarly,
    /// Before anything was sent.
    Refused(Error),
    /// What came could not be written.
    Sink(io::Error),
    /// More than so many bytes came.
    TooLarge(u64),
    /// The body came, but too slowly.
    TooSlow,
}

/// What a broken exchange with the server at `place` means.
impl Cause {
    /// Why a request has no answer. A server that refuses a body may hang up before all of it was sent.
    pub(super) fn of_exchange(error: ureq::Error, method: Method<'_>) -> Self {
        match (error, method) {
            (ureq::Error::Io(error), Method::Put(..)) if is_broken(&error) => Self::UploadEnded(error),
            (error, _) => Self::Network(error),
        }
    }

    /// Why a body cannot be read.
    pub(super) fn of_body(error: io::Error) -> Self {
        match error.into() {
            ureq::Error::Io(error) if is_broken(&error) => Self::EndedEarly,
            error => Self::Network(error),
        }
    }

    pub(crate) fn explain(self, place: &str, host: &str) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Sink(error) => Error::new(ErrorKind::Io, format!("cannot write what was fetched: {error}")),
            Self::TooLarge(limit) => Error::new(
                ErrorKind::TooLarge,
                format!("`{place}` sent more than the {limit} bytes that are taken"),
            ),
            Self::TooSlow => too_slow(place),
            Self::EndedEarly => {
                let message = format!("the answer of `{place}` ended early");
                Error::new(ErrorKind::Unreachable, message).that_may_pass()
            }
            Self::UploadEnded(error) => upload_ended(&error, place),
            Self::Network(error) => network(&error, place, host),
        }
    }

    /// Whether the connection broke in a way that may not happen again.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Network(ureq::Error::Io(error)) if is_broken(error))
    }
}

/// Whether the other side hung up.
fn is_broken(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof)
}

fn upload_ended(error: &io::Error, place: &str) -> Error {
    let message = format!("`{place}` hung up during the upload: {}", shown(&error.to_string()));
    Error::new(ErrorKind::Unreachable, message)
        .hint_at("it may take less than this at once, or the login may not allow it; else push once more")
}

fn network(error: &ureq::Error, place: &str, host: &str) -> Error {
    match error {
        ureq::Error::HostNotFound => unknown_host(host),
        ureq::Error::Io(error) if is_lookup(error) => unknown_host(host),
        ureq::Error::Timeout(_) => too_slow(place),
        ureq::Error::ConnectProxyFailed(reason) => {
            let message = format!("the proxy on the way to `{place}` refuses: {}", shown(reason));
            Error::new(ErrorKind::Unreachable, message)
                .hint_at("`HTTPS_PROXY` and `NO_PROXY` say which way is taken")
        }
        ureq::Error::LargeResponseHeader(..) => {
            Error::new(ErrorKind::TooLarge, format!("`{place}` sent a head of more than 64 KiB"))
        }
        ureq::Error::Io(error) => io_failure(error, place),
        ureq::Error::Rustls(error) => tls(error, place),
        ureq::Error::Tls(reason) => tls(reason, place),
        other => Error::protocol(format!(
            "`{place}` does not speak HTTP as it should: {}",
            shown(&other.to_string())
        )),
    }
}

fn unknown_host(host: &str) -> Error {
    let error = Error::new(ErrorKind::UnknownHost, format!("nobody knows the address of `{host}`"));
    error.hint_at("correct the registry's name, or look whether this machine has a network and a name server")
}

/// The standard library has no kind for a failed lookup, and no other way to say so.
fn is_lookup(error: &io::Error) -> bool {
    error.to_string().starts_with("failed to lookup address information")
}

fn io_failure(error: &io::Error, place: &str) -> Error {
    if let Some(error) = rustls_error(error) {
        return tls(error, place);
    }
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => too_slow(place),
        _ => {
            let message = format!("`{place}` cannot be reached: {}", shown(&error.to_string()));
            Error::new(ErrorKind::Unreachable, message)
        }
    }
}

fn tls(reason: &dyn std::fmt::Display, place: &str) -> Error {
    let message = format!("no trusted connection to `{place}`: {}", shown(&reason.to_string()));
    Error::new(ErrorKind::Tls, message).hint_at(
        "if a company's own authority vouches for it, install its certificate, or name it in `SSL_CERT_FILE`",
    )
}

fn too_slow(place: &str) -> Error {
    Error::new(ErrorKind::TimedOut, format!("`{place}` did not answer in time"))
}

fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// Whether the other side broke off because it does not speak TLS at all.
pub(crate) fn is_no_tls(cause: &Cause) -> bool {
    let is_foreign = |error: &rustls::Error| matches!(error, rustls::Error::InvalidMessage(_));
    match cause {
        Cause::Network(ureq::Error::Rustls(error)) => is_foreign(error),
        Cause::Network(ureq::Error::Io(error)) => {
            rustls_error(error).is_some_and(is_foreign)
                || matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
        }
        _ => false,
    }
}

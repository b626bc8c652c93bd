//! What a registry is shown so that it lets us in: a token of the server that it names, or name and password.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::{Repository, registry_error};
use crate::challenge::{Challenge, parse_challenges};
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{Answer, Method, Request, Url, escaped, read_bounded};

/// A token is some KiB long.
const LARGEST_TOKEN_ANSWER: u64 = 256 << 10;
const LONGEST_TOKEN: usize = 64 << 10;

/// How a token is asked for.
const TOKEN: Request<'_> = Request { method: Method::Get, accept: "", wanted: LARGEST_TOKEN_ANSWER };

/// The name we give ourselves where a token server wants one.
const CLIENT: &str = "imagecustomizer";

/// A token server's answer: the older name or the newer.
#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

impl Repository {
    /// Sends a request to the registry itself, with what it takes to be let in. Elsewhere nothing is shown. Whoever follows
    /// redirects must not come here with one from elsewhere.
    pub(super) fn ask(&self, url: &Url, request: Request<'_>) -> Result<Answer> {
        let home = self.url("")?;
        if !home.is_same_place(url) {
            return self.send(url, request, None);
        }
        let shown = self.authorization.borrow().clone();
        let answer = self.send(url, request, shown.as_deref())?;
        if answer.status() != 401 {
            return Ok(answer);
        }
        let challenges: Vec<Challenge> =
            answer.headers("www-authenticate").iter().flat_map(|value| parse_challenges(value)).collect();
        let Some(authorization) = self.authorize(&home, &challenges)? else { return Ok(answer) };
        self.authorization.replace(Some(authorization.clone()));
        self.send(url, request, Some(&authorization))
    }

    /// The header's value that answers one of the challenges; `None` when there is nothing to show.
    fn authorize(&self, home: &Url, challenges: &[Challenge]) -> Result<Option<String>> {
        let known = self.files.find(&self.reference)?;
        if let Some(known) = &known {
            self.secrets.borrow_mut().add(known.secret());
        }
        let by_scheme = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme == scheme);
        if let Some(challenge) = by_scheme("bearer") {
            let token = match known {
                Some(Credentials::RegistryToken(token)) => checked_token(token)?,
                other => self.token(home, challenge, other)?,
            };
            self.secrets.borrow_mut().add(&token);
            return Ok(Some(format!("Bearer {token}")));
        }
        match (by_scheme("basic"), known) {
            (Some(_), Some(Credentials::Basic { user, password })) => Ok(Some(self.basic(&user, &password))),
            _ => Ok(None),
        }
    }

    fn basic(&self, user: &str, password: &str) -> String {
        let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
        self.secrets.borrow_mut().add(&encoded);
        format!("Basic {encoded}")
    }

    /// A token for this repository and nothing else, whatever more the registry suggests.
    fn token(&self, home: &Url, challenge: &Challenge, known: Option<Credentials>) -> Result<String> {
        let realm = token_server(home, challenge)?.without_query(&["scope", "service"]);
        let service = challenge.parameter("service");
        let scope = format!("repository:{}:{}", self.reference.repository, self.access.actions());
        let answer = match known {
            Some(Credentials::IdentityToken(token)) => {
                let form = refresh_form(&token, service, &scope);
                let method = Method::Post(form.as_bytes(), "application/x-www-form-urlencoded");
                self.send(&realm, Request { method, ..TOKEN }, None)?
            }
            other => {
                let url =
                    service.map_or_else(|| realm.clone(), |service| realm.with_query("service", service));
                let url = url.with_query("scope", &scope);
                let shown = match other {
                    Some(Credentials::Basic { user, password }) => Some(self.basic(&user, &password)),
                    _ => None,
                };
                self.send(&url, TOKEN, shown.as_deref())?
            }
        };
        self.read_token(&realm, answer)
    }

    fn read_token(&self, realm: &Url, answer: Answer) -> Result<String> {
        let (status, place) = (answer.status(), realm.place());
        let body = read_bounded(answer, LARGEST_TOKEN_ANSWER).map_err(|cause| self.explain(realm, cause))?;
        if status != 200 {
            let said = self.secrets.borrow().shown(&registry_error(&body).unwrap_or_default());
            let because = if said.is_empty() { String::new() } else { format!(": {said}") };
            return Err(match status {
                400 | 401 | 403 => self.unauthorized(&because),
                _ => Error::new(
                    ErrorKind::Registry,
                    format!("the token server `{place}` answers with status {status}{because}"),
                ),
            });
        }
        let answer: Option<TokenAnswer> = serde_json::from_slice(&body).ok();
        let token =
            answer.and_then(|answer| answer.token.or(answer.access_token)).filter(|token| !token.is_empty());
        checked_token(
            token.ok_or_else(|| Error::protocol(format!("the token server `{place}` gives no token")))?,
        )
    }
}

/// The server that the challenge names. Credentials are sent there, so it has to be as safe as the registry.
fn token_server(home: &Url, challenge: &Challenge) -> Result<Url> {
    let realm = challenge.parameter("realm").and_then(Url::parse);
    let realm =
        realm.ok_or_else(|| Error::protocol("the registry names no token server that could be asked"))?;
    if home.may_lead_to(&realm) {
        return Ok(realm);
    }
    let fault = if realm.is_secure() { "on this machine" } else { "without TLS" };
    let message = format!("the registry names a token server {fault}, `{}`", realm.place());
    Err(Error::protocol(message).hint_at("credentials are not sent there; ask whoever runs the registry"))
}

fn refresh_form(token: &str, service: Option<&str>, scope: &str) -> String {
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT),
        ("service", service.unwrap_or_default()),
        ("scope", scope),
        ("refresh_token", token),
    ];
    fields.map(|(name, value)| format!("{name}={}", escaped(value))).join("&")
}

/// A token that may stand in a header.
fn checked_token(token: String) -> Result<String> {
    let fits = token.len() <= LONGEST_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(token) } else { Err(Error::protocol("the token server gives a token that is none")) }
}

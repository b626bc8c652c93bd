//! A registry that nobody here wrote: Debian's `docker-registry`, on the loopback, for as long as a test takes.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fixtures::process::{command, output, output_with_input};

use crate::{Outcome, failed, token_server};

/// A registry that has not come up after this never will.
const PATIENCE: Duration = Duration::from_secs(30);

/// A name that no name server knows: a proxy has to lead there.
pub const ELSEWHERE: &str = "registry.test";

/// What a registry asks for, and how it is reached.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms<'a> {
    /// Name and password; anyone may do anything without.
    pub login: Option<(&'a str, &'a str)>,
    /// Whether it speaks TLS, with a certificate of an authority of its own, as `127.0.0.1` and as [`ELSEWHERE`].
    pub tls: bool,
    /// The address of the token server that it names, and where that keeps its certificate.
    pub tokens: Option<(&'a str, &'a Path)>,
}

/// A registry that runs.
pub struct Registry {
    process: Child,
    /// `127.0.0.1:PORT`.
    address: String,
    directory: PathBuf,
}

impl Registry {
    /// Starts a registry that keeps everything in `directory`, which is made.
    ///
    /// # Errors
    /// It is not installed (the package `docker-registry`), or does not come up.
    pub fn start(directory: &Path, terms: Terms<'_>) -> Outcome<Self> {
        fs::create_dir_all(directory)?;
        let config = directory.join("config.yml");
        fs::write(&config, configuration(directory, terms)?)?;
        let log = directory.join("log");
        let mut registry = command("docker-registry");
        registry.arg("serve").arg(&config);
        registry.stdout(File::create(directory.join("access"))?).stderr(File::create(&log)?);
        let process = registry.spawn().map_err(|error| failed(format!("docker-registry: {error}")))?;
        let mut started = Self { process, address: String::new(), directory: directory.to_owned() };
        started.address = started.wait(&log)?;
        Ok(started)
    }

    fn wait(&mut self, log: &Path) -> Outcome<String> {
        let end = Instant::now() + PATIENCE;
        loop {
            for line in BufReader::new(File::open(log)?).lines() {
                if let Some((_, rest)) = line?.split_once("listening on ") {
                    let address = rest.split([',', '"']).next().unwrap_or_default();
                    return Ok(address.to_owned());
                }
            }
            if let Some(status) = self.process.try_wait()? {
                return Err(failed(format!("the registry ended, {status}: {}", fs::read_to_string(log)?)));
            }
            if Instant::now() > end {
                return Err(failed("the registry does not come up"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A reference to something in it.
    pub fn reference(&self, rest: &str) -> String {
        format!("{}/{rest}", self.address)
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The certificate of the authority that vouches for it.
    pub fn authority(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// The requests so far, a line for each.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn requests(&self) -> Outcome<Vec<String>> {
        Ok(fs::read_to_string(self.directory.join("access"))?.lines().map(str::to_owned).collect())
    }

    /// Writes a file of credentials for it, and returns its path.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn credentials(&self, user: &str, password: &str) -> Outcome<PathBuf> {
        let file = self.directory.join("auth.json");
        let entry = serde_json::json!({ "username": user, "password": password });
        fs::write(&file, serde_json::json!({ "auths": { &self.address: entry } }).to_string())?;
        Ok(file)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It has ended by itself if this fails.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

fn configuration(directory: &Path, terms: Terms<'_>) -> Outcome<String> {
    let place = directory.display();
    let mut text = format!(
        "version: 0.1\nlog: {{ level: info }}\nstorage: {{ filesystem: {{ rootdirectory: {place}/store }} }}\n\
         http:\n  addr: 127.0.0.1:0\n  secret: none\n"
    );
    if terms.tls {
        certify(directory)?;
        text += &format!("  tls: {{ certificate: {place}/own.pem, key: {place}/own.key }}\n");
    }
    if let Some((user, password)) = terms.login {
        let mut htpasswd = command("htpasswd");
        // The lowest cost there is: nobody guesses this password.
        htpasswd.args(["-B", "-C", "4", "-n", "-i", user]);
        fs::write(directory.join("users"), output_with_input(&mut htpasswd, password.as_bytes())?)?;
        text += &format!("auth: {{ htpasswd: {{ realm: test, path: {place}/users }} }}\n");
    }
    if let Some((realm, directory)) = terms.tokens {
        let certificate = token_server::certificate(directory);
        let name = token_server::NAME;
        text += &format!(
            "auth: {{ token: {{ realm: '{realm}', service: {name}, issuer: {name}, rootcertbundle: {} }} }}\n",
            certificate.display()
        );
    }
    Ok(text)
}

/// Makes an authority, and a certificate of its for this machine.
fn certify(directory: &Path) -> Outcome {
    let openssl = |arguments: &str| {
        let mut openssl = command("openssl");
        openssl.args(arguments.split(' ')).current_dir(directory).stderr(Stdio::piped());
        output(&mut openssl)
    };
    let key = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    openssl(&format!("{key} -subj /CN=authority -keyout ca.key -out ca.pem"))?;
    openssl(&format!(
        "{key} -subj /CN=registry -keyout own.key -out own.pem -CA ca.pem -CAkey ca.key \
         -addext subjectAltName=IP:127.0.0.1,DNS:{ELSEWHERE} -addext basicConstraints=critical,CA:FALSE"
    ))?;
    Ok(())
}

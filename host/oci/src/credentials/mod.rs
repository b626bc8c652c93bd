//! Credentials: found where other tools keep them, and only when a registry asks.

mod file;
mod helper;

pub use file::parse_credential_file;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::http::Environment;
use crate::reference::Reference;
use file::CredentialFile;

/// Files of credentials have a few KiB.
const LONGEST_FILE: u64 = 1 << 20;

/// What somebody may show to a registry. Prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// Name and password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// What a token server gives access tokens for.
    IdentityToken(String),
    /// What the registry takes as it is.
    RegistryToken(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl Credentials {
    /// What no message may hold.
    pub(crate) fn secret(&self) -> &str {
        match self {
            Self::Basic { password, .. } => password,
            Self::IdentityToken(token) | Self::RegistryToken(token) => token,
        }
    }
}

/// The files of credentials, in the order that counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct CredentialFiles(Vec<PathBuf>);

impl CredentialFiles {
    /// `REGISTRY_AUTH_FILE` alone where it is set; else those of the container tools and of Docker.
    pub(crate) fn of(environment: &Environment) -> Self {
        if let Some(file) = &environment.registry_auth_file {
            return Self(vec![file.clone()]);
        }
        let in_home = |name| environment.home.as_ref().map(|home| home.join(name));
        let runtime = environment.runtime_directory.as_ref().map(|directory| directory.join("containers"));
        let runtime = runtime.or_else(|| environment.run_containers.clone().filter(|path| path.is_dir()));
        let config = environment.config_home.clone().or_else(|| in_home(".config"));
        let config = config.map(|directory| directory.join("containers"));
        let docker = environment.docker_config.clone().or_else(|| in_home(".docker"));
        let of_containers = runtime.into_iter().chain(config).map(|directory| directory.join("auth.json"));
        Self(of_containers.chain(docker.map(|directory| directory.join("config.json"))).collect())
    }

    /// The credentials for a repository; `None` when nobody has any.
    ///
    /// # Errors
    /// [`ErrorKind::Credentials`]: a file that is there cannot be used, or a helper fails.
    pub(crate) fn find(&self, reference: &Reference) -> Result<Option<Credentials>> {
        for path in &self.0 {
            let Some(text) = read(path)? else { continue };
            let file = CredentialFile::parse(&text).map_err(|reason| unusable(path, &reason))?;
            if let Some(found) = in_file(&file, path, reference)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Where somebody could look for what is missing.
    pub(crate) fn places(&self) -> String {
        let places: Vec<String> = self.0.iter().map(|path| format!("`{}`", path.display())).collect();
        if places.is_empty() {
            "no file: neither `HOME` nor `DOCKER_CONFIG` is set".to_owned()
        } else {
            places.join(" and ")
        }
    }
}

/// A helper for the registry comes first, then what the file holds, then the helper for everything.
fn in_file(file: &CredentialFile, path: &Path, reference: &Reference) -> Result<Option<Credentials>> {
    let server = server_name(reference);
    if let Some(helper) = file.helper_for(reference) {
        return helper::ask(helper, &server);
    }
    if let Some(found) = file.credentials_for(reference).map_err(|reason| unusable(path, &reason))? {
        return Ok(Some(found));
    }
    let Some(helper) = file.helper_for_all() else { return Ok(None) };
    // It is asked about everything, so its absence must not keep anybody from what needs no credentials.
    helper::ask(helper, &server).or_else(|error| {
        tracing::warn!("no credentials are taken from `{}`: {error}", path.display());
        Ok(None)
    })
}

/// What helpers know a registry by.
fn server_name(reference: &Reference) -> String {
    match reference.registry.is_docker_hub() {
        true => "https://index.docker.io/v1/".to_owned(),
        false => reference.registry.to_string(),
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    let failed = |error: io::Error| {
        Error::new(ErrorKind::Credentials, format!("cannot read `{}`: {error}", path.display()))
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    };
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(unusable(path, "it is not a regular file"));
    }
    file.take(LONGEST_FILE).read_to_end(&mut text).map_err(failed)?;
    Ok(Some(text))
}

fn unusable(path: &Path, reason: &str) -> Error {
    Error::new(
        ErrorKind::Credentials,
        format!("the credentials in `{}` cannot be used: {reason}", path.display()),
    )
    .hint_at("`docker login` or `podman login` writes them anew")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(directory: &Path) -> Environment {
        Environment {
            runtime_directory: Some(directory.join("run")),
            home: Some(directory.join("home")),
            ..Environment::default()
        }
    }

    fn write(path: &Path, user: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(
            path,
            format!(r#"{{"auths":{{"a.example":{{"username":"{user}","password":"p"}}}}}}"#),
        )
        .unwrap();
    }

    fn user(environment: &Environment) -> Option<String> {
        match CredentialFiles::of(environment).find(&"a.example/b".parse().unwrap()).unwrap() {
            Some(Credentials::Basic { user, .. }) => Some(user),
            _ => None,
        }
    }

    #[test]
    fn the_first_file_that_knows_the_registry_counts() {
        let scene = tempfile::tempdir().unwrap();
        let mut environment = environment(scene.path());
        assert_eq!(user(&environment), None);
        write(&scene.path().join("home/.docker/config.json"), "home");
        assert_eq!(user(&environment).as_deref(), Some("home"));
        environment.docker_config = Some(scene.path().join("docker"));
        assert_eq!(user(&environment), None);
        write(&scene.path().join("docker/config.json"), "docker");
        assert_eq!(user(&environment).as_deref(), Some("docker"));
        write(&scene.path().join("home/.config/containers/auth.json"), "home config");
        assert_eq!(user(&environment).as_deref(), Some("home config"));
        environment.config_home = Some(scene.path().join("config"));
        assert_eq!(user(&environment).as_deref(), Some("docker"));
        write(&scene.path().join("config/containers/auth.json"), "config");
        assert_eq!(user(&environment).as_deref(), Some("config"));
        environment.run_containers = Some(scene.path().join("run0"));
        environment.runtime_directory = None;
        assert!(!CredentialFiles::of(&environment).places().contains("run0"));
        write(&scene.path().join("run0/auth.json"), "run0");
        assert_eq!(user(&environment).as_deref(), Some("run0"));
        environment.runtime_directory = Some(scene.path().join("run"));
        assert_eq!(user(&environment).as_deref(), Some("config"));
        write(&scene.path().join("run/containers/auth.json"), "run");
        assert_eq!(user(&environment).as_deref(), Some("run"));
        environment.registry_auth_file = Some(scene.path().join("named.json"));
        assert_eq!(user(&environment), None);
        write(&scene.path().join("named.json"), "named");
        assert_eq!(user(&environment).as_deref(), Some("named"));
        assert!(CredentialFiles::of(&environment).places().contains("named.json"));
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_and_not_shown() {
        let scene = tempfile::tempdir().unwrap();
        let path = scene.path().join("auth.json");
        let environment = Environment { registry_auth_file: Some(path.clone()), ..Environment::default() };
        for text in
            ["hunter2", r#"{"auths":"hunter2"}"#, r#"{"auths":{"a.example":{"auth":"aHVudGVyMg==hunter2"}}}"#]
        {
            std::fs::write(&path, text).unwrap();
            let error = CredentialFiles::of(&environment).find(&"a.example/b".parse().unwrap()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Credentials);
            let said = error.to_string();
            assert!(said.contains("auth.json") && !said.contains("hunter2"), "{said}");
        }
    }
}

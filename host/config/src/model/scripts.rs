//! `scripts`: programs to run in the image.

use crate::decode::{TextMap, record};
use crate::source::Located;

record! {
    /// Scripts to run in the image.
    pub struct Scripts {
        /// After the customization of the operating system.
        "postCustomization" post_customization: Vec<Script>,
        /// At the very end, when everything else is done.
        "finalizeCustomization" finalize_customization: Vec<Script>,
    }
}

record! {
    /// A script: a file or inline text.
    pub struct Script {
        /// Path of the file, in or below the configuration's folder.
        "path" path: Option<Located<String>>,
        /// The text itself.
        "content" [digest] content: Option<Located<String>>,
        /// The program that runs it; `/bin/sh` unless given.
        "interpreter" interpreter: Option<Located<String>>,
        /// Arguments.
        "arguments" arguments: Vec<Located<String>>,
        /// The environment; only these variables are set.
        "environmentVariables" [redacted] environment_variables: TextMap,
        /// A name for messages.
        "name" name: Option<Located<String>>,
        /// Set by the reference program.
        "sha256hash" [unadvertised, computed] sha256_hash: Option<Located<String>>,
    }
}

//! Every call of the step contract, through the kit for Rust.

use step_sdk::{
    Device, Entry, Existing, Failure, Kind, Level, Metadata, Owner, Result, Root, Schema, Step, Timestamp,
    TreeOptions, TreeReport, WriteOptions,
};

/// There is nothing to say.
#[derive(serde::Deserialize, Schema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

/// The step.
pub struct Everything;

impl Step for Everything {
    type Settings = Settings;
    const NAME: &'static str = "front-door";
    const SUMMARY: &'static str = "Makes every call";
    const SETTINGS_SCHEMA: &'static str = step_sdk::settings_schema!(Settings);

    fn run(_: &Settings, root: &Root) -> Result<()> {
        let mut answers = Answers(String::new());
        let answer = &mut answers;
        let plain = WriteOptions::default();
        answer.put(
            "context",
            &[&root.step_name(), &root.architecture(), &root.source_date_epoch().to_string()],
        );
        root.log(Level::Warn, "two fields", &[("one", "1"), ("two", "")]);
        root.log(Level::Debug, "", &[]);

        answer.done("make-directory", root.make_directory("/k", 0o750, false));
        answer.done("make-directory", root.make_directory("/k", 0o750, false));
        let owned = WriteOptions { mode: Some(0o640), owner: Some(Owner { uid: 5, gid: 6 }), ..plain };
        answer.done("write", root.write("/k/a", b"one\n", &owned));
        answer.done(
            "write",
            root.write("/k/a", b"two\n", &WriteOptions { existing: Existing::Append, ..plain }),
        );
        answer.done("write", root.write("/k/a", b"", &WriteOptions { existing: Existing::Keep, ..plain }));
        answer.data("read", root.read("/k/a"));
        answer.data("read", root.read("/none"));
        answer.metadata("stat", root.stat("/k/a"));
        answer.done("make-symlink", root.make_symlink("a", "/k/l"));
        answer.metadata("lstat", root.lstat("/k/l"));
        answer.text("read-link", root.read_link("/k/l"));
        answer.text("resolve", root.resolve("/k/../k/l"));
        let replace = WriteOptions { replace_symlink: true, parents: true, ..plain };
        answer.done("write", root.write("/k/n/m/f", b"", &replace));
        answer.done("make-hard-link", root.make_hard_link("/k/a", "/k/h"));
        answer.entries("list-directory", root.list_directory("/k"));
        answer.entries("list-directory", root.list_directory("/names"));
        answer.entries("list-directory", root.list_directory("/k/a"));
        answer.done("set-mode", root.set_mode("/k/a", 0o4711));
        answer.done("set-owner", root.set_owner("/k/l", Owner { uid: 9, gid: 8 }, false));
        answer
            .done("set-modified", root.set_modified("/k/a", Timestamp { seconds: -2, nanoseconds: 5 }, true));
        answer.metadata("stat", root.stat("/k/h"));
        answer.metadata("lstat", root.lstat("/k/l"));

        answer.done("set-xattr", root.set_xattr("/k/a", "user.k", b"value"));
        answer.done("set-xattr", root.set_xattr("/k/a", "user.empty", b""));
        answer.texts("list-xattrs", root.list_xattrs("/k/a"));
        answer.data("get-xattr", root.xattr("/k/a", "user.k"));
        answer.done("remove-xattr", root.remove_xattr("/k/a", "user.k"));
        answer.data("get-xattr", root.xattr("/k/a", "user.k"));

        answer.done("rename", root.rename("/k/h", "/k/r"));
        answer.done("remove-file", root.remove_file("/k/r"));
        answer.done("remove-directory", root.remove_directory("/k/n"));
        let tree = TreeOptions {
            owner: Some(Owner { uid: 7, gid: 8 }),
            file_mode: Some(0o600),
            directory_mode: Some(0o700),
            overwrite: true,
        };
        answer.report("copy-tree", root.copy_tree("/k", "/c", &tree));
        answer.report("copy-tree", root.copy_tree("/k", "/c", &TreeOptions::default()));
        answer.report("remove-tree", root.remove_tree("/k/n"));
        answer.metadata("stat", root.stat("/c/a"));
        answer.metadata("stat", root.stat("/c/n"));

        let file = root.open("/k/a")?;
        answer.metadata("file.metadata", file.metadata());
        answer.data("file.read-at", file.read_at(2, 3));
        answer.done("file.write-at", file.write_at(1, b"X"));
        answer.done("file.set-size", file.set_size(5));
        drop(file);
        answer.data("read", root.read("/k/a"));
        answer.done("open", root.open("/none").map(drop));
        let file = root.create("/k/new", &WriteOptions { mode: Some(0o444), ..plain })?;
        answer.done("file.write-at", file.write_at(3, b"end"));
        drop(file);
        answer.data("read", root.read("/k/new"));
        answer.done("make-node", root.make_node("/k/pipe", Kind::Fifo, 0o600, None));
        let zero = Some(Device { major: 1, minor: 5 });
        answer.done("make-node", root.make_node("/k/zero", Kind::CharDevice, 0o666, zero));
        answer.metadata("stat", root.stat("/k/zero"));

        answer.put("names", &[&root.artifact_names().join(" ")]);
        answer.metadata("artifact stat", root.artifact_stat("tree", "sub/file"));
        answer.entries("artifact list", root.artifact_list("tree", ""));
        answer.data("artifact read", root.artifact_read_at("tree", "sub/file", 1, 3));
        answer.data("artifact read", root.artifact_read_at("none", "", 0, 1));
        answer.report("install", root.install("tree", "", "/i", &tree));
        answer.metadata("stat", root.stat("/i/sub/file"));
        root.write("/answers", answers.0.as_bytes(), &plain)
    }
}

struct Answers(String);

impl Answers {
    fn put(&mut self, call: &str, parts: &[&str]) {
        self.0.push_str(&format!("{call}: {}\n", parts.join(" ")));
    }

    fn result<T>(&mut self, call: &str, result: Result<T>, show: impl FnOnce(T) -> String) {
        let text = match result {
            Ok(value) => show(value),
            Err(Failure { code, message }) => format!("failure {} {message}", code as u8),
        };
        self.put(call, &[&text]);
    }

    fn done(&mut self, call: &str, result: Result<()>) {
        self.result(call, result, |()| "done".to_owned());
    }

    fn text(&mut self, call: &str, result: Result<String>) {
        self.result(call, result, |text| text);
    }

    fn texts(&mut self, call: &str, result: Result<Vec<String>>) {
        self.result(call, result, |texts| texts.join(" "));
    }

    /// In hexadecimal digits.
    fn data(&mut self, call: &str, result: Result<Vec<u8>>) {
        self.result(call, result, |data| data.iter().map(|byte| format!("{byte:02x}")).collect());
    }

    fn metadata(&mut self, call: &str, result: Result<Metadata>) {
        self.result(call, result, |metadata| {
            let Metadata { kind, mode, owner, size, links, modified, device } = metadata;
            let Timestamp { seconds, nanoseconds } = modified;
            let device = device.map_or(String::new(), |device| format!(" {}:{}", device.major, device.minor));
            format!(
                "{} {mode:o} {}:{} {size} {links} {seconds}.{nanoseconds}{device}",
                kind as u8, owner.uid, owner.gid
            )
        });
    }

    fn entries(&mut self, call: &str, result: Result<Vec<Entry>>) {
        self.result(call, result, |entries| {
            let entry = |Entry { name, kind, addressable }: &Entry| {
                format!("{name}/{}/{}", *kind as u8, u8::from(*addressable))
            };
            entries.iter().map(entry).collect::<Vec<_>>().join(" ")
        });
    }

    fn report(&mut self, call: &str, result: Result<TreeReport>) {
        self.result(call, result, |report| {
            let TreeReport { files, directories, symlinks, bytes } = report;
            format!("{files} {directories} {symlinks} {bytes}")
        });
    }
}

step_sdk::export_step!(Everything);

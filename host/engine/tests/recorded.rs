//! Every byte that a run changes inside the image, it changes through the tree (invariant I-1): the calls are recorded,
//! and doing them again on a copy of the base gives the same image.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use fixtures::{Distro, Layout, Recipe};
use imagecustomizer_engine::{Cancellation, CustomizeOptions, Silent, Usage, customize_through, open_image};
use rootfs::record::{Recorder, replay};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

const EPOCH: u64 = 1_700_000_000;

/// Something of everything that the built-in steps do.
const CONFIG: &str = r#"
os:
  hostname: recorded
  groups: [{ name: operators, gid: 2100 }]
  users:
  - { name: alice, uid: 2001, primaryGroup: operators, sshPublicKeys: ["ssh-ed25519 AAAA a"] }
  additionalDirs: [{ source: tree, destination: /opt/tree }]
  additionalFiles:
  - { content: "on the ESP", destination: /boot/efi/note.txt }
  - { content: "x", destination: /etc/new/file, permissions: "600" }
  services: { enable: [alpha] }
  modules: [{ name: br_netfilter, loadMode: always }]
"#;

#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<u8>>>);

impl Write for Journal {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_recorded_calls_done_again_give_the_same_image() {
    let scene = tempfile::tempdir().unwrap();
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixtures");
    let base = fixtures::image(Recipe { distro: Distro::AzureLinux3, layout: Layout::Boot }, &cache).unwrap();
    std::fs::create_dir_all(scene.path().join("tree/below")).unwrap();
    std::fs::write(scene.path().join("tree/below/file"), vec![7; 100_000]).unwrap();
    std::fs::write(scene.path().join("config.yaml"), CONFIG).unwrap();
    let output = scene.path().join("out.raw");

    let options = CustomizeOptions {
        build_dir: scene.path().join("build"),
        config_file: scene.path().join("config.yaml"),
        image_file: Some(base.clone()),
        output_image_file: Some(output.clone()),
        output_image_format: Some(config::output::ImageFormat::Raw),
        passwords: config::PasswordPolicy::Any,
        code_cache: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("code-cache")),
        source_date_epoch: Some(EPOCH),
        cancel: Cancellation::default(),
        steps: imagecustomizer_engine::StepOptions::default(),
        usage: Usage::default(),
        written: Vec::new(),
    };
    let journal = Journal::default();
    let watched = journal.clone();
    customize_through(&options, &Silent, &|tree| Box::new(Recorder::new(tree, watched.clone()))).unwrap();

    let again = scene.path().join("again.raw");
    std::fs::copy(&base, &again).unwrap();
    let mut tree = open_image(&again, EPOCH).unwrap();
    let journal = journal.0.lock().unwrap();
    let calls = replay(journal.as_slice(), tree.as_mut()).unwrap();
    assert!(calls > 50, "{calls} calls");
    drop(tree);
    let (first, second) = (std::fs::read(&output).unwrap(), std::fs::read(&again).unwrap());
    let differing = first.iter().zip(&second).position(|(a, b)| a != b);
    assert_eq!((first.len(), differing), (second.len(), None));
}

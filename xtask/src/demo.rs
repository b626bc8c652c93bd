//! Shows the program at work: makes a base image, customizes it, and looks into the result with other programs.

use std::fs;
use std::path::{Path, PathBuf};

use fixtures::disk::Partition;
use fixtures::{Distro, Format, Layout, Recipe, debian};

use crate::Outcome;
use crate::build;
use crate::setup::{Purpose, prepare};
use crate::shell::{fixture_cache, line, quietly, target};

/// The configuration that is shown; it works on the small image and on Debian.
const CONFIG: &str = "\
os:
  hostname: web-1
  groups:
  - name: operators
  users:
  - name: alice
    primaryGroup: operators
    sshPublicKeys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDemoDemoDemoDemoDemoDemoDemoDemoDemoDemo alice@laptop]
  additionalFiles:
  - source: motd
    destination: /etc/motd
  modules:
  - name: br_netfilter
    loadMode: always
  services:
    enable: [SERVICE]
";

/// A base image and where its root file system lies.
struct Base {
    image: PathBuf,
    format: Format,
    root: Partition,
    service: &'static str,
    /// What stands before the common configuration.
    preview: &'static str,
}

/// On an image of a few megabytes, made in a second.
pub(crate) fn small() -> Outcome {
    prepare(Purpose::Demo)?;
    let program = build::program()?;
    let recipe = Recipe { distro: Distro::AzureLinux3, layout: Layout::Efi };
    let raw = fixtures::image(recipe, &fixture_cache())?;
    let root = Layout::Efi.partition("root").ok_or("the layout has no root")?;
    let image = fixtures::converted(&raw, Format::Vhdx)?;
    show(&program, &Base { image, format: Format::Vhdx, root, service: "alpha", preview: "" })
}

/// On a Debian that boots.
pub(crate) fn real() -> Outcome {
    prepare(Purpose::RealDemo)?;
    let program = build::program()?;
    println!("\nmaking a Debian base image from Debian's packages; the first time takes a few minutes");
    let image = debian::image(&fixture_cache())?;
    let [_, root] = debian::partitions();
    let preview = "previewFeatures: [preview-distro-version]\n";
    show(&program, &Base { image, format: Format::Raw, root, service: "systemd-networkd", preview })
}

fn show(program: &Path, base: &Base) -> Outcome {
    let directory = target().join("demo");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    let input = directory.join(format!("base.{}", base.format.name()));
    fixtures::process::output(
        fixtures::process::command("cp").arg("--sparse=always").arg(&base.image).arg(&input),
    )?;
    let config = format!("{}{}", base.preview, CONFIG.replace("SERVICE", base.service));
    fs::write(directory.join("config.yaml"), &config)?;
    fs::write(directory.join("motd"), "Customized without root.\n")?;
    println!("\n--- {}\n{config}", directory.join("config.yaml").display());

    let mut customize = fixtures::process::command(program);
    customize.current_dir(&directory).args(["--image-file"]).arg(format!("base.{}", base.format.name()));
    customize.args([
        "--config-file",
        "config.yaml",
        "--build-dir",
        "build",
        "--output-image-format",
        "qcow2",
    ]);
    customize.args(["--output-image-file", "web-1.qcow2"]);
    println!("--- in {}\n$ {}", directory.display(), line(&customize));
    quietly(&mut customize)?;
    look_into(&directory, base)
}

/// Reads the result with programs that have no part in making it.
fn look_into(directory: &Path, base: &Base) -> Outcome {
    let raw = directory.join("web-1.raw");
    let mut convert = fixtures::process::command("qemu-img");
    convert.args(["convert", "-O", "raw"]).arg(directory.join("web-1.qcow2")).arg(&raw);
    fixtures::process::output(&mut convert)?;
    let place = format!("{}?offset={}", raw.display(), base.root.offset);
    println!("\n--- what `debugfs` and `e2fsck` see in {}", directory.join("web-1.qcow2").display());
    for path in ["/etc/hostname", "/etc/motd", "/etc/image-customizer-release"] {
        let content = read(&format!("cat {path}"), &place)?;
        println!("{path}:\n{}", indented(&content));
    }
    let passwd = read("cat /etc/passwd", &place)?;
    println!(
        "/etc/passwd:\n{}",
        indented(passwd.lines().find(|line| line.starts_with("alice:")).unwrap_or(""))
    );
    let wants = read("ls -l /etc/systemd/system/multi-user.target.wants", &place)?;
    let links: Vec<_> = wants
        .lines()
        .filter(|line| line.contains(".service"))
        .filter_map(|line| line.split_whitespace().last())
        .collect();
    println!("started at boot:\n{}", indented(&links.join("\n")));
    check(&raw, base)?;
    fs::remove_file(raw)?;
    println!("\nThe image is yours: {}", directory.join("web-1.qcow2").display());
    Ok(())
}

fn read(request: &str, place: &str) -> Outcome<String> {
    let output =
        fixtures::process::output(fixtures::process::command("debugfs").args(["-R", request, place]))?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}

fn check(raw: &Path, base: &Base) -> Outcome {
    let place = format!("{}?offset={}", raw.display(), base.root.offset);
    let report = fixtures::process::output(fixtures::process::command("e2fsck").args(["-f", "-n", &place]))?;
    let report = String::from_utf8_lossy(&report).into_owned();
    println!("e2fsck:\n{}", indented(report.lines().last().unwrap_or("")));
    Ok(())
}

fn indented(text: &str) -> String {
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| format!("    {line}\n"))
        .collect::<String>()
        .trim_end()
        .to_owned()
}

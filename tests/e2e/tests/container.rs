//! The container image, built from the Dockerfile and run as the documentation says.

/// This test installs packages into a container, and takes a minute or two.
mod whole_system {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use e2e::{Disk, Outcome, Scene, failed, product, scene};
    use fixtures::process::{command, output};
    use fixtures::{Distro, Format, Layout, debian};

    /// Images and containers of this test alone, with the driver and the isolation that need least of the kernel.
    struct Buildah {
        storage: PathBuf,
    }

    impl Buildah {
        fn call(&self, word: &str) -> Command {
            let mut buildah = command("buildah");
            let storage = |name: &str| self.storage.join(name);
            buildah.arg("--root").arg(storage("root")).arg("--runroot").arg(storage("run"));
            buildah.args(["--storage-driver", "vfs", word]);
            buildah.env("BUILDAH_ISOLATION", "chroot").env("HOME", &self.storage);
            buildah
        }

        fn ask(call: &mut Command) -> Outcome<String> {
            Ok(String::from_utf8_lossy(&output(call)?).trim().to_owned())
        }

        /// Makes `localhost/base` from Debian's packages: no registry is asked for anything.
        fn import_base(&self) -> Outcome {
            let tarball = debian::container_base(&scene::fixture_cache()?)?;
            let container = Self::ask(self.call("from").arg("scratch"))?;
            output(self.call("add").args(["--quiet", &container]).arg(tarball).arg("/"))?;
            output(self.call("commit").args(["--quiet", "--rm", &container, "localhost/base"]))?;
            Ok(())
        }

        fn build(&self, context: &Path) -> Outcome {
            let mut build = self.call("build");
            build.args(["--quiet", "--pull-never", "--tag", "localhost/imagecustomizer"]);
            for argument in ["BASE=localhost/base", "BINARY_FROM=context", "BINARY=imagecustomizer"] {
                build.args(["--build-arg", argument]);
            }
            output(build.arg(context)).map(drop)?;
            Ok(())
        }
    }

    impl Drop for Buildah {
        fn drop(&mut self) {
            // Its files belong to users that only buildah may act for; the directory itself goes with the scene.
            for words in [["rm", "--all"], ["rmi", "--all"]] {
                _ = output(self.call(words[0]).arg(words[1]));
            }
        }
    }

    /// The sample command's words behind the image's name, as the documentation has them.
    const SAMPLE: &str = "--image-file /mnt/staging/image.vhdx --config-file /mnt/staging/image-config.yaml \
        --build-dir /build --output-image-format vhdx --output-image-file /mnt/staging/out/image.vhdx \
        --disable-telemetry";

    #[test]
    fn the_container_runs_the_documented_command() -> Outcome {
        let scene = Scene::new()?;
        let context = scene.join("context");
        fs::create_dir(&context)?;
        fs::copy(product::program()?, context.join("imagecustomizer"))?;
        let dockerfile = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Dockerfile");
        fs::copy(dockerfile, context.join("Dockerfile"))?;
        let raw = scene::fixture(Distro::AzureLinux3, Layout::Efi)?;
        scene.write("staging/image-config.yaml", "os: { hostname: contained }\n")?;
        fs::rename(scene.base(&raw, Format::Vhdx)?, scene.join("staging/image.vhdx"))?;

        let buildah = Buildah { storage: scene.join("storage") };
        buildah.import_base()?;
        buildah.build(&context)?;
        let container =
            Buildah::ask(buildah.call("from").args(["--pull-never", "localhost/imagecustomizer"]))?;
        // `buildah run` starts any program; a container engine would put the entry point in front by itself.
        let entry = Buildah::ask(buildah.call("inspect").args([
            "--format",
            "{{.OCIv1.Config.Entrypoint}}",
            &container,
        ]))?;
        let entry = entry.trim_matches(['[', ']']).to_owned();
        assert_eq!(entry, "/usr/local/bin/imagecustomizer");
        let mut run = buildah.call("run");
        run.arg("--volume").arg(format!("{}:/mnt/staging", scene.join("staging").display()));
        run.args([&container, "--", &entry]).args(SAMPLE.split_whitespace());
        output(&mut run)?;

        let customized = Disk::open(&scene.join("staging/out/image.vhdx"), Format::Vhdx)?;
        customized.check()?;
        let hostname = customized.tree("root")?.text("/etc/hostname")?;
        if hostname == "contained" { Ok(()) } else { Err(failed(format!("the host name is `{hostname}`"))) }
    }
}

//! Images made by `qemu-img` in all the ways it knows, read here.
mod support;

use imagecustomizer_image::{ErrorKind, InputFormat, detect, import};
use support::{disk_with, no_progress, qemu_img, read, scratch};

#[test]
fn images_of_qemu_are_read_to_the_last_byte() {
    let cases: [(&str, &[&str], InputFormat); 18] = [
        ("qcow2", &[], InputFormat::Qcow2),
        ("qcow2", &["-o", "compat=0.10"], InputFormat::Qcow2),
        ("qcow2", &["-o", "cluster_size=512"], InputFormat::Qcow2),
        ("qcow2", &["-o", "cluster_size=2M"], InputFormat::Qcow2),
        ("qcow2", &["-o", "refcount_bits=1,lazy_refcounts=on"], InputFormat::Qcow2),
        ("qcow2", &["-o", "preallocation=metadata"], InputFormat::Qcow2),
        ("qcow2", &["-o", "extended_l2=on"], InputFormat::Qcow2),
        ("qcow2", &["-o", "extended_l2=on,cluster_size=2M"], InputFormat::Qcow2),
        ("qcow2", &["-c"], InputFormat::Qcow2),
        ("qcow2", &["-c", "-o", "cluster_size=4k"], InputFormat::Qcow2),
        ("qcow2", &["-c", "-o", "compression_type=zstd"], InputFormat::Qcow2),
        ("qcow2", &["-c", "-o", "compression_type=zstd,cluster_size=2M"], InputFormat::Qcow2),
        ("vhdx", &[], InputFormat::Vhdx),
        ("vhdx", &["-o", "block_size=1M"], InputFormat::Vhdx),
        ("vhdx", &["-o", "subformat=fixed,block_size=256M"], InputFormat::Vhdx),
        ("vpc", &["-o", "subformat=dynamic,force_size=on"], InputFormat::VhdDynamic),
        ("vpc", &["-o", "subformat=fixed,force_size=on"], InputFormat::VhdFixed),
        ("raw", &[], InputFormat::Raw),
    ];
    for size in [65536 + 512, (5 << 20) + 1536] {
        let dir = scratch();
        let disk = disk_with(dir.path(), size);
        let expected = read(&disk);
        let (image, work) = (dir.path().join("image"), dir.path().join("work"));
        for (format, arguments, detected) in cases {
            let files = [disk.to_str().unwrap(), image.to_str().unwrap()];
            qemu_img(&[&["convert", "-f", "raw", "-O", format], arguments, &files].concat());
            let before = read(&image);
            let found = import(&image, &work, &no_progress).unwrap();
            assert_eq!(
                (found.format, found.virtual_size.bytes()),
                (detected, size),
                "{format} {arguments:?}"
            );
            assert!(read(&work) == expected, "{size} {format} {arguments:?}");
            assert!(read(&image) == before, "{format} {arguments:?}: the input was changed");
            std::fs::remove_file(&work).unwrap();
            std::fs::remove_file(&image).unwrap();
        }
    }
}

#[test]
fn written_zeros_and_discards_are_read_as_zeros() {
    for options in ["compat=1.1", "compat=1.1,extended_l2=on"] {
        let dir = scratch();
        let (disk, image, work) =
            (dir.path().join("disk"), dir.path().join("image"), dir.path().join("work"));
        let (image_name, disk_name) = (image.to_str().unwrap(), disk.to_str().unwrap());
        qemu_img(&["create", "-q", "-f", "qcow2", "-o", options, image_name, "8M"]);
        let commands = [
            "write -P 7 0 8M",
            "write -z 1M 300k",
            "write -z -u 2M 1M",
            "discard 4M 1M",
            "write -P 9 4500k 3k",
        ];
        support::qemu_io(image_name, &commands);
        qemu_img(&["convert", "-f", "qcow2", "-O", "raw", image_name, disk_name]);
        import(&image, &work, &no_progress).unwrap();
        assert!(read(&work) == read(&disk), "{options}");
    }
}

#[test]
fn snapshots_in_the_image_are_no_obstacle() {
    let dir = scratch();
    let (image, work) = (dir.path().join("image"), dir.path().join("work"));
    let name = image.to_str().unwrap();
    qemu_img(&["create", "-q", "-f", "qcow2", name, "8M"]);
    support::qemu_io(name, &["write -P 1 0 4M"]);
    qemu_img(&["snapshot", "-c", "one", name]);
    support::qemu_io(name, &["write -P 2 1M 1M"]);
    import(&image, &work, &no_progress).unwrap();
    let mut expected = vec![1; 4 << 20];
    expected[1 << 20..2 << 20].fill(2);
    expected.resize(8 << 20, 0);
    assert!(read(&work) == expected);
}

#[test]
fn images_that_do_not_stand_alone_are_refused() {
    let dir = scratch();
    let base = dir.path().join("base");
    qemu_img(&["create", "-q", "-f", "qcow2", base.to_str().unwrap(), "8M"]);
    let data = dir.path().join("data");
    let backing: &[&str] = &["-f", "qcow2", "-b", base.to_str().unwrap(), "-F", "qcow2"];
    let external = format!("data_file={}", data.display());
    let external: &[&str] = &["-f", "qcow2", "-o", &external];
    let secret: &[&str] = &[
        "--object",
        "secret,id=s,data=abc",
        "-f",
        "qcow2",
        "-o",
        "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10",
    ];
    let cases: [(&str, &[&str], &str); 9] = [
        ("backing file", backing, "it is a difference to a backing file, and does not hold the whole disk"),
        ("data file", external, "its data lies in another file"),
        ("encryption", secret, "it is encrypted"),
        ("vmdk", &["-f", "vmdk"], "the format is vmdk, which is not read"),
        ("vdi", &["-f", "vdi"], "the format is vdi, which is not read"),
        ("qed", &["-f", "qed"], "the format is qed, which is not read"),
        ("qcow", &["-f", "qcow"], "the format is qcow, which is not read"),
        ("parallels", &["-f", "parallels"], "the format is parallels, which is not read"),
        (
            "luks",
            &["--object", "secret,id=s,data=abc", "-f", "luks", "-o", "key-secret=s,iter-time=10"],
            "the format is luks, which is not read",
        ),
    ];
    for (name, arguments, reason) in cases {
        let image = dir.path().join("image");
        qemu_img(&[&["create", "-q"], arguments, &[image.to_str().unwrap(), "8M"]].concat());
        let error = detect(&image).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}");
        assert_eq!(error.name(), "Validation:UnsupportedQemuImageFormat", "{name}");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), reason);
        let work = dir.path().join("work");
        import(&image, &work, &no_progress).unwrap_err();
        assert!(!work.exists(), "{name}");
        std::fs::remove_file(&image).unwrap();
    }
}

#[test]
fn vhds_sized_by_geometry_are_refused_with_a_hint() {
    for subformat in ["dynamic", "fixed"] {
        let dir = scratch();
        let image = dir.path().join("image");
        let options = format!("subformat={subformat}");
        qemu_img(&["create", "-q", "-f", "vpc", "-o", &options, image.to_str().unwrap(), "8M"]);
        let error = detect(&image).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::GeometrySized);
        assert!(error.hint().unwrap().contains("force_size=on"));
    }
}

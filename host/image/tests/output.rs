//! How the output appears: whole or not at all, under the right name, with the same bytes each time.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use imagecustomizer_image::{ErrorKind, ExportOptions, OutputFormat, check_output, detect, export, import};
use rustix::fs::{FlockOperation, flock};
use support::{OPTIONS, disk_with, no_progress, noise, read, scratch};

const SIZE: u64 = 5 << 20;

/// A working file in `dir`, and its bytes.
fn work_in(dir: &Path) -> (std::path::PathBuf, Vec<u8>) {
    let disk = disk_with(dir, SIZE);
    let bytes = read(&disk);
    (disk, bytes)
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn equal_runs_write_equal_bytes_whichever_zeros_are_holes() {
    for format in OutputFormat::ALL {
        let dir = scratch();
        let (sparse, bytes) = work_in(dir.path());
        let dense = dir.path().join("dense");
        std::fs::write(&dense, &bytes).unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        export(sparse, &one, format, &OPTIONS, &no_progress).unwrap();
        export(dense, &other, format, &OPTIONS, &no_progress).unwrap();
        assert!(read(&one) == read(&other), "{format}");
    }
}

#[test]
fn the_date_and_the_seed_show_where_the_format_has_room_for_them() {
    for (format, differs) in [
        (OutputFormat::Raw, false),
        (OutputFormat::Qcow2, false),
        (OutputFormat::Vhdx, true),
        (OutputFormat::VhdFixed, true),
        (OutputFormat::VhdDynamic, true),
    ] {
        let dir = scratch();
        let images = [[1; 16], [2; 16]].map(|seed| {
            let work = dir.path().join("work");
            std::fs::write(&work, noise(1, 4096)).unwrap();
            let image = dir.path().join("image");
            export(work, &image, format, &ExportOptions { seed, ..OPTIONS }, &no_progress).unwrap();
            read(&image)
        });
        assert_eq!(images[0] != images[1], differs, "{format}");
    }
    let dir = scratch();
    let (work, _) = work_in(dir.path());
    let image = dir.path().join("image");
    export(work, &image, OutputFormat::VhdFixed, &OPTIONS, &no_progress).unwrap();
    let bytes = read(&image);
    let footer = &bytes[SIZE as usize..];
    assert_eq!(footer[24..28], (1_700_000_000_u32 - 946_684_800).to_be_bytes());
    assert_eq!(footer[28..32], *b"qem2");
    assert_eq!(footer[56..60], [0xff, 0xff, 0x10, 0xff]);
    assert_eq!(footer[68..84], OPTIONS.seed);
}

#[test]
fn an_image_may_be_written_over_its_own_input() {
    for format in OutputFormat::ALL {
        let dir = scratch();
        let (disk, bytes) = work_in(dir.path());
        let image = dir.path().join("image");
        export(disk, &image, OutputFormat::VhdFixed, &OPTIONS, &no_progress).unwrap();
        let reader = File::open(&image).unwrap();
        let work = dir.path().join("work");
        import(&image, &work, &no_progress).unwrap();
        export(work.clone(), &image, format, &OPTIONS, &no_progress).unwrap();
        import(&image, &work, &no_progress).unwrap();
        assert!(read(&work) == bytes, "{format}");
        // Who has the old file open sees the old file.
        let mut first = vec![0; 100];
        reader.read_exact_at(&mut first, 0).unwrap();
        assert_eq!(first, bytes[..100]);
        assert_eq!(names(dir.path()), ["image", "work"], "{format}");
    }
}

#[test]
fn the_output_replaces_what_a_link_leads_to() {
    for format in [OutputFormat::Raw, OutputFormat::Qcow2] {
        let dir = scratch();
        std::fs::create_dir(dir.path().join("far")).unwrap();
        symlink("far/link", dir.path().join("link")).unwrap();
        symlink("image", dir.path().join("far/link")).unwrap();
        for _existing in [false, true] {
            let (work, _) = work_in(dir.path());
            export(work, &dir.path().join("link"), format, &OPTIONS, &no_progress).unwrap();
            assert!(dir.path().join("link").is_symlink() && dir.path().join("far/link").is_symlink());
            assert_eq!(names(&dir.path().join("far")), ["image", "link"]);
            assert_eq!(detect(&dir.path().join("far/image")).unwrap().virtual_size.bytes(), SIZE);
        }
    }
}

#[test]
fn outputs_that_are_no_files_are_refused_before_anything_is_done() {
    let dir = scratch();
    symlink("loop", dir.path().join("loop")).unwrap();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    symlink("sub", dir.path().join("to-sub")).unwrap();
    let cases = [
        (dir.path().join("sub"), ErrorKind::OutputIsDirectory, "Validation:OutputImageFileIsDirectory"),
        (dir.path().join("to-sub"), ErrorKind::OutputIsDirectory, "Validation:OutputImageFileIsDirectory"),
        (dir.path().join("sub/.."), ErrorKind::OutputIsDirectory, "Validation:OutputImageFileIsDirectory"),
        ("/dev/null".into(), ErrorKind::OutputNotFile, "ImageConversion:ConvertToOutput"),
        (dir.path().join("loop"), ErrorKind::Io, "ImageConversion:ConvertToOutput"),
        (dir.path().join("none/image"), ErrorKind::Io, "ImageConversion:ConvertToOutput"),
    ];
    for (output, kind, name) in cases {
        for format in OutputFormat::ALL {
            let (work, bytes) = work_in(dir.path());
            let error = export(work.clone(), &output, format, &OPTIONS, &no_progress).unwrap_err();
            assert_eq!((error.kind(), error.name()), (kind, name), "{}", output.display());
            assert!(read(&work)[..SIZE as usize] == bytes);
        }
    }
}

#[test]
fn inputs_that_are_no_files_are_refused_without_waiting() {
    let dir = scratch();
    let fifo = dir.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
    for input in [fifo, "/dev/zero".into(), dir.path().to_owned()] {
        assert_eq!(detect(&input).unwrap_err().kind(), ErrorKind::InputNotFile, "{}", input.display());
    }
    assert_eq!(detect(&dir.path().join("none")).unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn another_file_system_is_no_obstacle() {
    let near = scratch();
    let far = tempfile::tempdir_in("/dev/shm").unwrap();
    assert_ne!(near.path().metadata().unwrap().dev(), far.path().metadata().unwrap().dev());
    for format in OutputFormat::ALL {
        let (work, bytes) = work_in(near.path());
        let image = far.path().join("image");
        let near_image = near.path().join("image");
        std::fs::copy(&work, near.path().join("copy")).unwrap();
        export(near.path().join("copy"), &near_image, format, &OPTIONS, &no_progress).unwrap();
        export(work.clone(), &image, format, &OPTIONS, &no_progress).unwrap();
        assert!(!work.exists());
        assert_eq!(names(far.path()), ["image"]);
        // Whether the working file could be turned into the image, or had to be copied, cannot be told.
        assert!(read(&image) == read(&near_image), "{format}");
        import(&image, &work, &no_progress).unwrap();
        assert!(read(&work) == bytes, "{format}");
        std::fs::remove_file(&work).unwrap();
    }
}

#[test]
fn the_output_is_as_readable_as_any_new_file() {
    for format in OutputFormat::ALL {
        let dir = scratch();
        let (disk, _) = work_in(dir.path());
        let work = dir.path().join("work");
        import(&disk, &work, &no_progress).unwrap();
        assert_eq!(work.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        let image = dir.path().join("image");
        export(work, &image, format, &OPTIONS, &no_progress).unwrap();
        File::create(dir.path().join("new")).unwrap();
        let umask_kept = dir.path().join("new").metadata().unwrap().permissions().mode();
        assert_eq!(image.metadata().unwrap().permissions().mode(), umask_kept & 0o100_644, "{format}");
    }
}

#[test]
fn what_killed_runs_left_is_removed_and_what_live_ones_write_is_not() {
    let dir = scratch();
    let path = |name: &str| dir.path().join(name);
    let stale = ".image.imagecustomizer-partial-0123abcd";
    let live = ".image.imagecustomizer-partial-00000000";
    let foreign = [
        ".image.imagecustomizer-partial-xyz",
        ".other.imagecustomizer-partial-0123abcd",
        ".image.imagecustomizer-partial-",
    ];
    for name in [&[stale, live], &foreign[..]].concat() {
        std::fs::write(path(name), "x").unwrap();
    }
    let link = ".image.imagecustomizer-partial-11111111";
    symlink(path(foreign[0]), path(link)).unwrap();
    let lock = File::open(path(live)).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();

    for format in OutputFormat::ALL {
        std::fs::write(path(stale), "x").unwrap();
        let (work, _) = work_in(dir.path());
        export(work, &path("image"), format, &OPTIONS, &no_progress).unwrap();
    }
    let mut expected = [&[live, link, "image"], &foreign[..]].concat();
    expected.sort_unstable();
    assert_eq!(names(dir.path()), expected);
}

/// Runs in a child: exports for ever, until it is killed.
#[test]
#[ignore = "the other half of `killed_anywhere_the_output_is_whole`"]
fn export_for_ever() {
    let dir = std::env::var_os("EXPORT_FOR_EVER").unwrap();
    let dir = Path::new(&dir);
    let bytes = read(&dir.join("disk"));
    loop {
        for format in OutputFormat::ALL {
            std::fs::write(dir.join("work"), &bytes).unwrap();
            export(dir.join("work"), &dir.join("image"), format, &OPTIONS, &no_progress).unwrap();
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test starts itself")]
fn killed_anywhere_the_output_is_whole_and_the_next_run_cleans_up() {
    let dir = scratch();
    let (disk, bytes) = work_in(dir.path());
    let image = dir.path().join("image");
    for round in 0..15_u64 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "export_for_ever"])
            .env("EXPORT_FOR_EVER", dir.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while !image.exists() {
            assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        std::thread::sleep(std::time::Duration::from_micros(round * 1700));
        child.kill().unwrap();
        child.wait().unwrap();

        let again = dir.path().join("again");
        import(&image, &again, &no_progress).unwrap();
        assert!(read(&again) == bytes, "round {round}");
        let _gone_if_it_was_renamed = std::fs::remove_file(dir.path().join("work"));
        export(again, &image, OutputFormat::Vhdx, &OPTIONS, &no_progress).unwrap();
        assert_eq!(names(dir.path()), ["disk", "image"], "round {round}");
        std::fs::remove_file(&image).unwrap();
    }
    assert!(read(&disk) == bytes);
}

#[test]
fn what_can_be_told_about_the_output_before_the_run_is_told() {
    let dir = scratch();
    let (socket, file, dangling) =
        (dir.path().join("socket"), dir.path().join("file"), dir.path().join("link"));
    let _socket = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    File::create(&file).unwrap();
    symlink("nowhere", &dangling).unwrap();
    for output in [&file, &dangling, &dir.path().join("new"), &dir.path().join("a/b/new")] {
        check_output(output).unwrap();
    }
    let before = names(dir.path());
    for (output, kind) in [
        (&socket, ErrorKind::OutputNotFile),
        (&dir.path().to_owned(), ErrorKind::OutputIsDirectory),
        (&dir.path().join(".."), ErrorKind::OutputIsDirectory),
        (&file.join("below"), ErrorKind::Io),
        (&"/proc/self/image".into(), ErrorKind::Io),
    ] {
        assert_eq!(check_output(output).unwrap_err().kind(), kind, "{}", output.display());
    }
    assert_eq!(names(dir.path()), before);
}

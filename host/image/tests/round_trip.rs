//! Every format written and read again, with `qemu-img` as the judge.
mod support;

use imagecustomizer_image::{InputFormat, OutputFormat, detect, export, import};
use support::{OPTIONS, disk_with, no_progress, qemu_img, qemu_says_equal, read, scratch};

const FORMATS: [(OutputFormat, InputFormat, &str, &str); 5] = [
    (OutputFormat::Raw, InputFormat::Raw, "raw", "driver=raw"),
    (OutputFormat::Qcow2, InputFormat::Qcow2, "qcow2", "driver=qcow2"),
    (OutputFormat::Vhdx, InputFormat::Vhdx, "vhdx", "driver=vhdx"),
    (OutputFormat::VhdDynamic, InputFormat::VhdDynamic, "vhd", "driver=vpc,force_size_calc=current_size"),
    (OutputFormat::VhdFixed, InputFormat::VhdFixed, "vhd-fixed", "driver=vpc,force_size_calc=current_size"),
];

/// Sizes around the edges of clusters and blocks, in bytes.
const SIZES: [u64; 6] = [512, 65536 - 512, 65536, (2 << 20) + 512, 5 << 20, (70 << 20) + 1536];

#[test]
fn every_format_keeps_every_byte() {
    for size in SIZES {
        for (output, input, name, driver) in FORMATS {
            let dir = scratch();
            let disk = disk_with(dir.path(), size);
            let work = dir.path().join("work");
            std::fs::copy(&disk, &work).unwrap();
            let image = dir.path().join("image");
            export(work.clone(), &image, output, &OPTIONS, &no_progress).unwrap();
            assert!(!work.exists(), "{name}");

            qemu_says_equal(&disk, &image, driver);
            if matches!(name, "qcow2" | "vhdx") {
                qemu_img(&["check", "-q", "-f", name, image.to_str().unwrap()]);
            }
            assert_eq!(detect(&image).unwrap().format, input, "{name} {size}");
            assert_eq!(detect(&image).unwrap().virtual_size.bytes(), size, "{name}");

            let again = dir.path().join("again");
            import(&image, &again, &no_progress).unwrap();
            assert!(read(&again) == read(&disk), "{name} {size}");
            let mut names: Vec<_> =
                std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            assert_eq!(names, ["again", "disk", "image"], "{name}: nothing is left behind");
        }
    }
}

#[test]
fn a_file_that_is_no_image_is_a_raw_disk_padded_to_sectors() {
    for (bytes, size) in
        [(&b""[..], 0), (b"x", 512), (&[7; 512], 512), (&[7; 1000], 1024), (b"#!/bin/sh", 512)]
    {
        let dir = scratch();
        let (image, work) = (dir.path().join("image.iso"), dir.path().join("work"));
        std::fs::write(&image, bytes).unwrap();
        let found = import(&image, &work, &no_progress).unwrap();
        assert_eq!((found.format, found.virtual_size.bytes()), (InputFormat::Raw, size));
        let mut expected = bytes.to_vec();
        expected.resize(size as usize, 0);
        assert_eq!(read(&work), expected);
        // What is written of it is an image of that size.
        export(work, &image, OutputFormat::Vhdx, &OPTIONS, &no_progress).unwrap();
        assert_eq!(detect(&image).unwrap().virtual_size.bytes(), size);
    }
}

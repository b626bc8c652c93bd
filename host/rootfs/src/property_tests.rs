//! Random calls on a tree over a real file system and on one over the model: results and trees must be the same,
//! and the checkers must find nothing.

use crate::model::{Habits, Model};
use crate::operations::manifest;
use crate::path::{ImagePath, ImagePathBuf};
use crate::testing::{CLOCK, Image, Random, path};
use crate::tree::{Device, Existing, Follow, Kind, Owner, Timestamp, Tree, WriteOptions};
use crate::{Error, Fat, FatOptions, UserTree};

const MIB: u64 = 1024 * 1024;

/// Names that collide often; the last ones are no text.
const NAMES: [&[u8]; 14] = [
    b"a",
    b"b",
    b"c",
    b"long name with spaces and a number 1234567890",
    b"UPPER.TXT",
    b"d",
    b"e",
    b"f.conf",
    b"another-rather-long-name-that-takes-room-in-its-directory",
    b"g",
    b"h",
    b"i",
    b"\xc3\xa4\xc3\xb6",
    b"\xff\x80",
];

#[derive(Clone, Debug)]
pub(crate) enum Call {
    Write(ImagePathBuf, Vec<u8>, WriteOptions),
    Poke(ImagePathBuf, u64, Vec<u8>),
    Resize(ImagePathBuf, u64),
    MakeDirectory(ImagePathBuf, u32),
    MakeSymlink(Vec<u8>, ImagePathBuf),
    MakeHardLink(ImagePathBuf, ImagePathBuf),
    MakeNode(ImagePathBuf, Kind, Option<Device>),
    Rename(ImagePathBuf, ImagePathBuf),
    RemoveFile(ImagePathBuf),
    RemoveDirectory(ImagePathBuf),
    SetMode(ImagePathBuf, u32),
    SetOwner(ImagePathBuf, Owner, Follow),
    SetModified(ImagePathBuf, Timestamp, Follow),
    SetXattr(ImagePathBuf, String, Vec<u8>),
    RemoveXattr(ImagePathBuf, String),
    Flush,
}

impl Call {
    pub(crate) fn run(&self, tree: &mut dyn Tree) -> crate::Result<()> {
        match self {
            Self::Write(path, data, options) => tree.write(path, data, options),
            Self::Poke(path, offset, data) => {
                Self::with(tree, path, |tree, file| tree.write_at(file, *offset, data))
            }
            Self::Resize(path, size) => Self::with(tree, path, |tree, file| tree.set_size(file, *size)),
            Self::MakeDirectory(path, mode) => tree.make_directory(path, *mode),
            Self::MakeSymlink(target, path) => tree.make_symlink(target, path),
            Self::MakeHardLink(old, new) => tree.make_hard_link(old, new),
            Self::MakeNode(path, kind, device) => tree.make_node(path, *kind, 0o640, *device),
            Self::Rename(old, new) => tree.rename(old, new),
            Self::RemoveFile(path) => tree.remove_file(path),
            Self::RemoveDirectory(path) => tree.remove_directory(path),
            Self::SetMode(path, mode) => tree.set_mode(path, *mode),
            Self::SetOwner(path, owner, follow) => tree.set_owner(path, *owner, *follow),
            Self::SetModified(path, time, follow) => tree.set_modified(path, *time, *follow),
            Self::SetXattr(path, name, value) => tree.set_xattr(path, name, value),
            Self::RemoveXattr(path, name) => tree.remove_xattr(path, name),
            Self::Flush => tree.flush(),
        }
    }

    fn with(
        tree: &mut dyn Tree,
        path: &ImagePath,
        act: impl FnOnce(&mut dyn Tree, crate::FileId) -> crate::Result<()>,
    ) -> crate::Result<()> {
        let file = tree.open(path)?;
        let result = act(tree, file);
        tree.close(file)?;
        result
    }
}

/// Which names and calls are drawn.
#[derive(Clone, Copy)]
pub(crate) struct Draw {
    pub(crate) names: u64,
    pub(crate) largest: u64,
    /// The second half of an attribute's possible sizes, bytes.
    pub(crate) xattr: u64,
    /// Times with nanoseconds and of any century.
    pub(crate) wide_times: bool,
}

impl Draw {
    pub(crate) fn path(self, random: &mut Random) -> ImagePathBuf {
        let mut bytes = Vec::new();
        for _ in 0..1 + random.below(3).min(random.below(4)) {
            let name = match random.below(30) {
                0 => &b".."[..],
                1 => b".",
                _ => NAMES[random.below(self.names) as usize],
            };
            bytes.extend_from_slice(&[b"/", name].concat());
        }
        if random.below(40) == 0 {
            bytes.push(b'/');
        }
        bytes.into()
    }

    fn data(self, random: &mut Random) -> Vec<u8> {
        let bound = [16, 200, 5000, self.largest][random.below(4) as usize];
        let len = random.below(bound) as usize;
        if random.below(5) == 0 { vec![0; len] } else { random.bytes(len) }
    }

    pub(crate) fn call(self, random: &mut Random) -> Call {
        let owner =
            |random: &mut Random| Owner { uid: random.below(3) as u32 * 70_000, gid: random.below(3) as u32 };
        let follow = |random: &mut Random| if random.below(2) == 0 { Follow::Yes } else { Follow::No };
        match random.below(30) {
            0..=6 => {
                let options = WriteOptions {
                    existing: [Existing::Replace, Existing::Keep, Existing::Append][random.below(3) as usize],
                    mode: (random.below(3) == 0).then(|| random.below(0o10000) as u32),
                    owner: (random.below(4) == 0).then(|| owner(random)),
                    replace_symlink: random.below(4) == 0,
                    parents: random.below(5) == 0,
                };
                Call::Write(self.path(random), self.data(random), options)
            }
            7 | 8 => Call::Poke(self.path(random), random.below(self.largest), self.data(random)),
            9 => Call::Resize(self.path(random), random.below(self.largest * 2)),
            10..=12 => Call::MakeDirectory(self.path(random), random.below(0o10000) as u32),
            13 | 14 => {
                let target = match random.below(6) {
                    0 => vec![b'x'; 59 + random.below(3) as usize],
                    1 => [b"../".to_vec(), vec![b'y'; 300]].concat(),
                    _ => self.path(random).as_bytes()[random.below(2) as usize..].to_vec(),
                };
                Call::MakeSymlink(target, self.path(random))
            }
            15 | 16 => Call::MakeHardLink(self.path(random), self.path(random)),
            17 => {
                let kind =
                    [Kind::CharDevice, Kind::BlockDevice, Kind::Fifo, Kind::Socket][random.below(4) as usize];
                let device = matches!(kind, Kind::CharDevice | Kind::BlockDevice).then(|| Device {
                    major: [1, 8, 259, 4095][random.below(4) as usize],
                    minor: [0, 3, 256, 70_000, 0xF_FFFF][random.below(5) as usize],
                });
                Call::MakeNode(self.path(random), kind, device)
            }
            18..=20 => Call::Rename(self.path(random), self.path(random)),
            21 => Call::RemoveFile(self.path(random)),
            22 => Call::RemoveDirectory(self.path(random)),
            23 => Call::SetMode(self.path(random), random.below(0o10000) as u32),
            24 => Call::SetOwner(self.path(random), owner(random), follow(random)),
            25 => {
                let seconds = if self.wide_times {
                    random.below(1 << 33) as i64
                } else {
                    400_000_000 + random.below(1 << 30) as i64
                };
                let nanoseconds = if self.wide_times { random.below(1_000_000_000) as u32 } else { 0 };
                Call::SetModified(self.path(random), Timestamp { seconds, nanoseconds }, follow(random))
            }
            26 | 27 => {
                let name = ["user.a", "user.b", "security.selinux", "security.capability", "trusted.x"];
                let bound = [30, self.xattr][random.below(2) as usize];
                let len = random.below(bound) as usize;
                Call::SetXattr(
                    self.path(random),
                    name[random.below(5) as usize].to_owned(),
                    random.bytes(len),
                )
            }
            28 => Call::RemoveXattr(
                self.path(random),
                ["user.a", "user.b"][random.below(2) as usize].to_owned(),
            ),
            _ if random.below(10) == 0 => Call::Flush,
            _ => Call::MakeDirectory(self.path(random), 0o755),
        }
    }
}

fn trees_are_the_same(label: &str, real: &mut UserTree, model: &mut UserTree) {
    // The root of a FAT has no time.
    if model.mounts()[0].filesystem == "fat model" {
        model.set_modified(path("/"), Timestamp::default(), Follow::No).unwrap();
    }
    let (real, model) =
        (manifest(real, path("/")).unwrap().to_string(), manifest(model, path("/")).unwrap().to_string());
    if real != model {
        let differences: Vec<String> = real
            .lines()
            .filter(|line| !model.lines().any(|other| other == *line))
            .map(|line| format!("+ {line}"))
            .chain(
                model
                    .lines()
                    .filter(|line| !real.lines().any(|other| other == *line))
                    .map(|line| format!("- {line}")),
            )
            .collect();
        panic!("{label}: the tree (+) is not the model's (-)\n{}", differences.join("\n"));
    }
}

/// The file system under test.
struct Case {
    label: String,
    draw: Draw,
    habits: Habits,
    image: Image,
    check: fn(&Image),
    open: fn(&Image) -> UserTree,
}

fn compare(case: &Case, seed: u64, calls: usize) {
    let Case { label, draw, habits, image, check, open } = case;
    let mut random = Random::new(seed);
    let mut real = open(image);
    let mut model = UserTree::new(CLOCK);
    let name = if habits.fat { "fat model" } else { "model" };
    model.mount_root(Box::new(Model::new(CLOCK, *habits)), name).unwrap();
    // The root of an image has the time of its making.
    if !habits.fat {
        for tree in [&mut real, &mut model] {
            tree.set_modified(path("/"), CLOCK, Follow::No).unwrap();
            tree.set_modified(path("/lost+found"), CLOCK, Follow::No).unwrap();
        }
    }
    for number in 0..calls {
        let call = draw.call(&mut random);
        let (expected, found) = (call.run(&mut model), call.run(&mut real));
        if found.as_ref().map_err(Error::kind) != expected.as_ref().map_err(Error::kind) {
            panic!("{label}, seed {seed}, call {number}: {found:?} is not {expected:?}\n{call:?}");
        }
        if number % 100 == 99 {
            trees_are_the_same(&format!("{label}, seed {seed}, call {number}"), &mut real, &mut model);
        }
    }
    real.flush().unwrap();
    check(image);
    let mut again = open(image);
    trees_are_the_same(&format!("{label}, seed {seed}, opened again"), &mut again, &mut model);
    if seed.is_multiple_of(2) {
        again.trim().unwrap();
        check(image);
        trees_are_the_same(&format!("{label}, seed {seed}, trimmed"), &mut again, &mut model);
    }
}

const EXT4: Draw = Draw { names: 14, largest: 60_000, xattr: 700, wide_times: true };

fn ext4(label: &str, draw: Draw, arguments: &[&str]) {
    for seed in 1..=4 {
        let image = Image::ext(64 * MIB, arguments);
        let case = Case {
            label: label.to_owned(),
            draw,
            habits: Habits::default(),
            image,
            check: Image::check_ext,
            open: Image::ext4_tree,
        };
        compare(&case, seed, 1000);
    }
}

macro_rules! ext4_layouts {
    ($($name:ident: $draw:expr, $arguments:expr;)*) => {
        $(#[test] fn $name() { ext4(stringify!($name), $draw, &$arguments); })*
    };
}

ext4_layouts! {
    ext4_as_usual_is_the_model: EXT4, ["-t", "ext4", "-b", "4096"];
    ext4_with_blocks_of_1_kib_is_the_model:
        Draw { xattr: 140, ..EXT4 }, ["-t", "ext4", "-b", "1024"];
    ext4_without_a_journal_is_the_model: EXT4, ["-t", "ext4", "-b", "4096", "-O", "^has_journal"];
    ext4_without_metadata_checksums_is_the_model: EXT4, ["-t", "ext4", "-b", "4096", "-O", "^metadata_csum"];
    ext4_with_group_checksums_alone_is_the_model: EXT4, ["-t", "ext4", "-b", "4096", "-O", "^metadata_csum,uninit_bg"];
    ext4_with_content_in_inodes_is_the_model: EXT4, ["-t", "ext4", "-b", "4096", "-O", "inline_data", "-I", "256"];
    ext4_with_inodes_of_128_bytes_is_the_model:
        Draw { wide_times: false, ..EXT4 }, ["-t", "ext4", "-b", "4096", "-I", "128"];
    ext4_with_an_orphan_file_is_the_model: EXT4, ["-t", "ext4", "-b", "4096", "-O", "orphan_file,metadata_csum_seed"];
    ext4_of_32_bits_is_the_model: EXT4, ["-t", "ext4", "-b", "4096", "-O", "^64bit,^flex_bg"];
}

fn fat(label: &str, arguments: &[&str], bytes: u64) {
    let draw = Draw { names: 13, largest: 20_000, xattr: 10, wide_times: false };
    for seed in 1..=4 {
        let image = Image::fat(bytes, arguments);
        let open = |image: &Image| {
            let mut tree = UserTree::new(CLOCK);
            tree.mount_root(Fat::open(image.window(), CLOCK, FatOptions::default()).unwrap(), "vfat")
                .unwrap();
            tree
        };
        let habits = Habits { fat: true };
        let case = Case { label: label.to_owned(), draw, habits, image, check: Image::check_fat, open };
        compare(&case, seed, 1000);
    }
}

#[test]
fn fat12_is_the_model() {
    fat("fat12", &["-F", "12"], 8 * MIB);
}

#[test]
fn fat16_is_the_model() {
    fat("fat16", &["-F", "16"], 64 * MIB);
}

#[test]
fn fat32_is_the_model() {
    fat("fat32", &["-F", "32", "-s", "1"], 64 * MIB);
}

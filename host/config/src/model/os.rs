//! `os`: what changes inside the operating system.

use super::scalars::FilePermissions;
use crate::decode::{TextMap, choice, record};
use crate::source::Located;

record! {
    /// What changes inside the operating system.
    pub struct Os {
        /// The name of the machine.
        "hostname" hostname: Option<Located<String>>,
        /// Packages to install, remove and update.
        "packages" packages: Packages,
        /// Security-Enhanced Linux.
        "selinux" selinux: Selinux,
        /// The kernel's command line.
        "kernelCommandLine" kernel_command_line: KernelCommandLine,
        /// Files to put into the image.
        "additionalFiles" additional_files: Vec<AdditionalFile>,
        /// Folders to put into the image.
        "additionalDirs" additional_dirs: Vec<AdditionalDir>,
        /// Groups to make.
        "groups" groups: Vec<Group>,
        /// Users to make or change.
        "users" users: Vec<User>,
        /// Services to enable and disable.
        "services" services: Services,
        /// Kernel modules to load, disable or configure.
        "modules" modules: Vec<Module>,
        /// Overlay mounts.
        "overlays" [present] overlays: Option<Vec<Overlay>>,
        /// The boot loader.
        "bootloader" bootloader: Bootloader,
        /// Unified kernel images.
        "uki" uki: Option<Uki>,
        /// Whether the image records how it was made.
        "imageHistory" image_history: Option<Located<ImageHistory>>,
    }
}

choice! {
    /// Whether the image records how it was made.
    pub enum ImageHistory ("value of `imageHistory`", unset) {
        /// It does not.
        "none" => None,
    }
}

record! {
    /// Packages to install, remove and update.
    pub struct Packages {
        /// Whether all installed packages are brought up to date.
        "updateExistingPackages" update_existing_packages: Option<Located<bool>>,
        /// Files that list packages to install.
        "installLists" install_lists: Vec<Located<String>>,
        /// Packages to install.
        "install" install: Vec<Located<String>>,
        /// Files that list packages to remove.
        "removeLists" remove_lists: Vec<Located<String>>,
        /// Packages to remove.
        "remove" remove: Vec<Located<String>>,
        /// Files that list packages to update.
        "updateLists" update_lists: Vec<Located<String>>,
        /// Packages to update.
        "update" update: Vec<Located<String>>,
        /// Take packages as they were at this instant.
        "snapshotTime" snapshot_time: Option<Located<String>>,
        /// Whether the package manager itself is removed.
        "removePackageManager" [present] remove_package_manager: Option<Located<bool>>,
    }
}

record! {
    /// Security-Enhanced Linux.
    pub struct Selinux {
        /// The mode; kept as it is unless given.
        "mode" mode: Option<Located<SelinuxMode>>,
    }
}

choice! {
    /// The mode of SELinux.
    pub enum SelinuxMode ("SELinux mode", unset) {
        /// Off.
        "disabled" => Disabled,
        /// On; its configuration file can turn it off.
        "enforcing" => Enforcing,
        /// On, but only warns.
        "permissive" => Permissive,
        /// On, also against its configuration file.
        "force-enforcing" => ForceEnforcing,
    }
}

record! {
    /// The kernel's command line.
    pub struct KernelCommandLine {
        /// Words to add.
        "extraCommandLine" extra_command_line: Vec<Located<String>>,
    }
}

record! {
    /// A file to put into the image: from a file or from inline text.
    pub struct AdditionalFile {
        /// Path in the image.
        "destination" [required] destination: Option<Located<String>>,
        /// Path of the file to copy.
        "source" source: Option<Located<String>>,
        /// The text of the file; may be empty.
        "content" [present] content: Option<Located<String>>,
        /// Permissions; from the source, or 0644 for inline text, unless given.
        "permissions" [present] permissions: Option<Located<FilePermissions>>,
        /// Set by the reference program.
        "sha256hash" [unadvertised, computed] sha256_hash: Option<Located<String>>,
    }
}

record! {
    /// A folder to put into the image, with all it holds.
    pub struct AdditionalDir {
        /// Path of the folder to copy.
        "source" [required] source: Option<Located<String>>,
        /// Path in the image.
        "destination" [required] destination: Option<Located<String>>,
        /// Permissions of folders that have to be made; 0755 unless given.
        "newDirPermissions" [present] new_dir_permissions: Option<Located<FilePermissions>>,
        /// Permissions of folders that are there already; kept unless given.
        "mergedDirPermissions" [present] merged_dir_permissions: Option<Located<FilePermissions>>,
        /// Permissions of every copied file; 0755 unless given.
        "childFilePermissions" [present] child_file_permissions: Option<Located<FilePermissions>>,
        /// Set by the reference program.
        "sha256hashmap" [unadvertised, computed] sha256_hash_map: TextMap,
    }
}

record! {
    /// A group to make.
    pub struct Group {
        /// Name.
        "name" [required] name: Option<Located<String>>,
        /// Group id, 0 to 60000.
        "gid" [present] gid: Option<Located<i64>>,
    }
}

record! {
    /// A user to make or change.
    pub struct User {
        /// Name.
        "name" [required] name: Option<Located<String>>,
        /// User id, 0 to 60000.
        "uid" [present] uid: Option<Located<i64>>,
        /// Password.
        "password" password: Option<Password>,
        /// Days until the account expires; -1 for never.
        "passwordExpiresDays" [present] password_expires_days: Option<Located<i64>>,
        /// Files with public keys that may log in.
        "sshPublicKeyPaths" [host_path] ssh_public_key_paths: Vec<Located<String>>,
        /// Public keys that may log in.
        "sshPublicKeys" [redacted] ssh_public_keys: Vec<Located<String>>,
        /// Primary group; must exist.
        "primaryGroup" primary_group: Option<Located<String>>,
        /// Further groups; must exist.
        "secondaryGroups" secondary_groups: Vec<Located<String>>,
        /// The program started at log-in.
        "startupCommand" startup_command: Option<Located<String>>,
        /// Home folder.
        "homeDirectory" home_directory: Option<Located<String>>,
    }
}

record! {
    /// A password.
    pub struct Password {
        /// How the value is to be understood.
        "type" [required] kind: Option<Located<PasswordType>>,
        /// The password, its hash, or the path of a file with one of them; none for `locked`.
        "value" [redacted] value: Option<Located<String>>,
    }
}

choice! {
    /// How the value of a password is to be understood.
    pub enum PasswordType ("password type", unset) {
        /// No password opens the account.
        "locked" => Locked,
        /// The password itself.
        "plain-text" => PlainText,
        /// The hash of the password.
        "hashed" => Hashed,
        /// Path of a file that holds the password.
        "plain-text-file" => PlainTextFile,
        /// Path of a file that holds the hash of the password.
        "hashed-file" => HashedFile,
    }
}

record! {
    /// Services to enable and disable.
    pub struct Services {
        /// Services that start with the system.
        "enable" enable: Vec<Located<String>>,
        /// Services that no longer start with the system.
        "disable" disable: Vec<Located<String>>,
    }
}

record! {
    /// A kernel module.
    pub struct Module {
        /// Name.
        "name" [required] name: Option<Located<String>>,
        /// When it is loaded.
        "loadMode" load_mode: Option<Located<LoadMode>>,
        /// Options.
        "options" options: TextMap,
    }
}

choice! {
    /// When a kernel module is loaded.
    pub enum LoadMode ("load mode", unset) {
        /// At every start.
        "always" => Always,
        /// When the system finds that it is needed.
        "auto" => Auto,
        /// Never.
        "disable" => Disable,
        /// As in the base image.
        "inherit" => Inherit,
    }
}

record! {
    /// An overlay mount.
    pub struct Overlay {
        /// The lower folders.
        "lowerDirs" lower_dirs: Vec<Located<String>>,
        /// The upper folder.
        "upperDir" [required] upper_dir: Option<Located<String>>,
        /// The work folder.
        "workDir" [required] work_dir: Option<Located<String>>,
        /// Where the overlay is mounted.
        "mountPoint" [required] mount_point: Option<Located<String>>,
        /// Whether it is mounted by the initramfs.
        "isInitrdOverlay" is_initrd_overlay: Option<Located<bool>>,
        /// Mounts that have to be there before.
        "mountDependencies" mount_dependencies: Vec<Located<String>>,
        /// Mount options.
        "mountOptions" mount_options: Option<Located<String>>,
    }
}

record! {
    /// The boot loader.
    pub struct Bootloader {
        /// Whether it is set up anew.
        "resetType" reset_type: Option<Located<BootloaderReset>>,
    }
}

choice! {
    /// How the boot loader is set up anew.
    pub enum BootloaderReset ("value of `resetType`", unset) {
        /// Installed and configured from nothing.
        "hard-reset" => HardReset,
    }
}

record! {
    /// Unified kernel images.
    pub struct Uki {
        /// What happens to them.
        "mode" mode: Option<Located<UkiMode>>,
    }
}

choice! {
    /// What happens to unified kernel images.
    pub enum UkiMode ("UKI mode", unset) {
        /// They are made from the installed kernels.
        "create" => Create,
        /// They are kept as they are.
        "passthrough" => Passthrough,
        /// Their command line is changed.
        "modify" => Modify,
    }
}

//! The rules of the configuration language, each with a stable id.

use crate::diagnostic::{INVALID, Kind};

/// Declares the rules: kind, id, further error names, and what holds when the rule is kept.
macro_rules! rules {
    ($( $kind:ident $variant:ident $id:literal [$($name:literal),*] $text:literal; )+) => {
        /// A rule of the configuration language. The documentation of each says what it demands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $( #[doc = $text] $variant, )+
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Rule] = &[$( Rule::$variant, )+];

            /// A stable word for machines and tests.
            pub fn id(self) -> &'static str {
                match self { $( Self::$variant => $id, )+ }
            }

            /// What holds when the rule is kept.
            pub fn text(self) -> &'static str {
                match self { $( Self::$variant => $text, )+ }
            }

            /// The stage that checks it.
            pub fn kind(self) -> Kind {
                match self { $( Self::$variant => Kind::$kind, )+ }
            }

            /// The stable error names, outermost first; none for files that cannot be read or decoded.
            pub fn names(self) -> &'static [&'static str] {
                match (self.kind(), self) {
                    (Kind::Read | Kind::Syntax | Kind::Structure | Kind::Unsupported, _) => &[],
                    $( (_, Self::$variant) => &[INVALID, $( $name ),*], )+
                }
            }
        }
    };
}

rules! {
    Read FileRead "file-read" []
        "the file can be read";
    Read Encoding "encoding" []
        "the file is UTF-8, or UTF-16 with a byte order mark";
    Syntax Yaml "yaml" []
        "the file is YAML";
    Syntax FileEmpty "file-empty" []
        "the file holds a document";
    Structure AliasExpansion "alias-expansion" []
        "aliases do not multiply the file";
    Structure AliasInsideItself "alias-inside-itself" []
        "an alias does not stand inside the value it repeats";
    Structure MergeValue "merge-value" []
        "`<<` takes a mapping, or a list of mappings";
    Structure FieldUnknown "field-unknown" []
        "every field is known";
    Structure FieldDuplicate "field-duplicate" []
        "a mapping names no field twice";
    Structure ValueKind "value-kind" []
        "every value is of the kind that its field takes";
    Structure ValueTag "value-tag" []
        "a value fits its tag";
    Structure NumberRange "number-range" []
        "a number fits into 64 bits";
    Structure SizeForm "size-form" []
        "a size is digits and one of `K`, `M`, `G`, `T`";
    Structure SizeUnit "size-unit" []
        "a size has a unit";
    Structure SizeWholeMib "size-whole-mib" []
        "a size is a multiple of 1 MiB";
    Structure PermissionsForm "permissions-form" []
        "permissions are octal digits up to 777";
    Structure TimeForm "time-form" []
        "a time is digits and one of `s`, `m`, `h`";
    Structure SettingsSize "settings-size" []
        "settings are at most 1 MiB, and nested no deeper than 64 levels";
    Structure OciPlatformForm "oci-platform-form" []
        "a platform is `OS` or `OS/ARCHITECTURE`";
    Validation ChoiceUnknown "choice-unknown" []
        "a word is one of those that its field takes";
    Validation InputImageOneSource "input-image-one-source" []
        "at most one of `path`, `oci` and `azureLinux` names the base image";
    Validation InputOciUri "input-oci-uri" []
        "`oci` names an image in a registry";
    Validation InputOciPreview "input-oci-preview" []
        "`input.image.oci` needs `input-image-oci`";
    Validation InputAzureLinuxVariant "input-azure-linux-variant" []
        "`azureLinux` names a variant";
    Validation InputAzureLinuxVersion "input-azure-linux-version" []
        "`azureLinux` names a version";
    Validation CosiLevel "cosi-level" []
        "the compression level is from 1 to 22";
    Validation ArtifactsItems "artifacts-items" []
        "`output.artifacts` names artifacts";
    Validation ArtifactsPath "artifacts-path" []
        "`output.artifacts` names a folder";
    Validation ArtifactsPreview "artifacts-preview" []
        "`output.artifacts` needs `output-artifacts`";
    Validation SelinuxPolicyPreview "selinux-policy-preview" []
        "`output.selinuxPolicyPath` needs `output-selinux-policy`";
    Validation DisksAtMostOne "disks-at-most-one" []
        "there is at most one disk";
    Validation PartitionTableType "partition-table-type" []
        "a disk has a partition table";
    Validation DiskMaxSize "disk-max-size" []
        "the size of a disk is more than zero";
    Validation DiskSizeUnknown "disk-size-unknown" []
        "the size of a disk follows from `maxSize` or from its partitions";
    Validation DiskTooSmall "disk-too-small" []
        "the partitions fit into `maxSize`";
    Validation PartitionLabel "partition-label" []
        "a label is at most 35 ASCII characters";
    Validation PartitionEndOrSize "partition-end-or-size" []
        "a partition has an end or a size, not both";
    Validation PartitionSizeZero "partition-size-zero" []
        "the size of a partition is more than zero";
    Validation PartitionEndAfterStart "partition-end-after-start" []
        "a partition ends behind its start";
    Validation PartitionType "partition-type" []
        "a partition type is a known name or a type id";
    Validation PartitionGrowLast "partition-grow-last" []
        "only the last partition grows";
    Validation PartitionOverlap "partition-overlap" []
        "partitions do not overlap, and stand in disk order";
    Validation PartitionFirstStart "partition-first-start" []
        "the first partition begins at 1 MiB or later";
    Validation ResetUuidsWithDisks "reset-uuids-with-disks" []
        "`resetPartitionsUuidsType` and `disks` exclude each other";
    Validation BootTypeWithDisks "boot-type-with-disks" []
        "`bootType` and `disks` go together";
    Validation FileSystemsWithDisks "file-systems-with-disks" []
        "`filesystems` needs `disks`";
    Validation DisksNeedBootloaderReset "disks-need-bootloader-reset" []
        "`disks` and `resetPartitionsUuidsType` need `os.bootloader.resetType`";
    Validation DeviceIdDuplicate "device-id-duplicate" []
        "the ids of partitions and verity devices are unique";
    Validation DeviceUnknown "device-unknown" []
        "a device that is named exists";
    Validation DeviceUsedTwice "device-used-twice" []
        "a device is used once";
    Validation FileSystemDevice "file-system-device" []
        "a file system names its device";
    Validation FileSystemType "file-system-type" []
        "a mounted file system has a type";
    Validation MountPath "mount-path" []
        "a mount path is absolute, and fits into `/etc/fstab`";
    Validation MountOptions "mount-options" []
        "mount options fit into `/etc/fstab`";
    Validation MountPathDuplicate "mount-path-duplicate" []
        "a mount path is used once";
    Validation MountPartLabel "mount-part-label" []
        "`part-label` needs a label that no other partition has";
    Validation EspFileSystem "esp-file-system" []
        "an `esp` partition has a FAT file system mounted at `/boot/efi`";
    Validation BiosGrubStart "bios-grub-start" []
        "a `bios-grub` partition begins at 1 MiB";
    Validation BiosGrubFileSystem "bios-grub-file-system" []
        "a `bios-grub` partition holds no file system";
    Validation BootPartition "boot-partition" []
        "`efi` needs an `esp` partition, `legacy` a `bios-grub` partition";
    Validation BtrfsType "btrfs-type" []
        "`btrfs` needs `type: btrfs`";
    Validation BtrfsPreview "btrfs-preview" []
        "`type: btrfs` needs `btrfs`";
    Validation BtrfsMountPoint "btrfs-mount-point" []
        "with subvolumes the file system itself is not mounted";
    Validation BtrfsMountOptions "btrfs-mount-options" []
        "mount options do not name a subvolume";
    Validation SubvolumePath "subvolume-path" []
        "a subvolume path is relative and in its shortest form";
    Validation SubvolumeDuplicate "subvolume-duplicate" []
        "a subvolume is listed once";
    Validation SubvolumeQuota "subvolume-quota" []
        "a quota is more than zero";
    Validation SubvolumeMountLoop "subvolume-mount-loop" []
        "a subvolume is not mounted above one that contains it";
    Validation VerityId "verity-id" []
        "a verity device has an id";
    Validation VerityName "verity-name" []
        "a verity device has a name in lower-case letters";
    Validation VerityDevice "verity-device" []
        "a verity device names data and hash device, each by one field";
    Validation VerityOneStyle "verity-one-style" []
        "all verity devices name their partitions in one style";
    Validation VerityIdsWithDisks "verity-ids-with-disks" []
        "`dataDeviceId` and `hashDeviceId` need `disks`";
    Validation VerityDevicesWithoutDisks "verity-devices-without-disks" []
        "`dataDevice` and `hashDevice` exclude `disks`";
    Validation VerityOnVerity "verity-on-verity" []
        "a verity device lies on partitions";
    Validation VerityMountIdType "verity-mount-id-type" []
        "a file system on a verity device has no `idType`";
    Validation VerityMount "verity-mount" []
        "a verity device is mounted once, at `/` or `/usr`";
    Validation VerityMountName "verity-mount-name" []
        "the name of a verity device fits its mount path";
    Validation VerityMountReadOnly "verity-mount-read-only" []
        "a verity device is mounted with `ro`";
    Validation VerityInlineSize "verity-inline-size" []
        "a partition with data and hashes is large enough";
    Validation HashSignaturePath "hash-signature-path" []
        "`hashSignaturePath` is a path below `/boot` in its shortest form";
    Validation HashSignaturePreview "hash-signature-preview" []
        "`hashSignaturePath` needs `output-artifacts`";
    Validation ReinitializeVerityPreview "reinitialize-verity-preview" []
        "`reinitializeVerity` needs `reinitialize-verity`";
    Validation KernelCommandLineItem "kernel-command-line-item" []
        "words of the kernel command line are not empty";
    Validation PxeUrl "pxe-url" []
        "a PXE URL is one of `ftp`, `http`, `https`, `nfs`, `tftp`";
    Validation PxeUrlWithFullOs "pxe-url-with-full-os" []
        "`full-os` excludes the bootstrap URLs";
    Validation PxeOneUrl "pxe-one-url" []
        "there is at most one bootstrap URL";
    Validation KdumpBootFilesPreview "kdump-boot-files-preview" []
        "`kdumpBootFiles` needs `kdump-boot-files`";
    Validation Hostname "hostname" []
        "a hostname is one by RFC 1123, and no address";
    Validation AdditionalFileDestination "additional-file-destination" []
        "an additional file has a destination";
    Validation AdditionalFileBody "additional-file-body" []
        "an additional file has either a source or content";
    Validation AdditionalDirSource "additional-dir-source" []
        "an additional folder has a source";
    Validation AdditionalDirDestination "additional-dir-destination" []
        "an additional folder has a destination";
    Validation UserName "user-name" []
        "a user has a name";
    Validation UserId "user-id" []
        "a user id is from 0 to 60000";
    Validation PasswordTypeRequired "password-type-required" []
        "a password has a type";
    Validation PasswordTypeAllowed "password-type-allowed" []
        "the password type is allowed";
    Validation PasswordValue "password-value" []
        "a `locked` password has no value, others have one";
    Validation PasswordExpiresDays "password-expires-days" []
        "`passwordExpiresDays` is from -1 to 99999";
    Validation GroupName "group-name" []
        "a group has a name";
    Validation GroupId "group-id" []
        "a group id is from 0 to 60000";
    Validation ServiceName "service-name" []
        "the names of services are not empty";
    Validation ModuleName "module-name" []
        "a module has a name without blanks";
    Validation ModuleDuplicate "module-duplicate" []
        "a module is listed once";
    Validation ModuleOption "module-option" []
        "names and values of module options are not empty and have no blanks";
    Validation OverlayPath "overlay-path" []
        "paths of overlays are absolute, and fit into `/etc/fstab`";
    Validation OverlayMountOptions "overlay-mount-options" []
        "mount options of overlays fit into `/etc/fstab`";
    Validation OverlayDirsApart "overlay-dirs-apart" []
        "upper and work folder do not contain each other";
    Validation OverlayUnique "overlay-unique" []
        "upper folders, work folders and mount points are used once";
    Validation UkiPreview "uki-preview" []
        "`os.uki` needs `uki`";
    Validation UkiModeConflict "uki-mode-conflict" []
        "`passthrough` and `modify` exclude what would change the boot files";
    Validation SnapshotTimeForm "snapshot-time-form" []
        "a snapshot time is a date or an instant";
    Validation SnapshotTimePreview "snapshot-time-preview" []
        "`snapshotTime` needs `package-snapshot-time`";
    Validation RemovePackageManagerPreview "remove-package-manager-preview" []
        "`removePackageManager` needs `remove-package-manager`";
    Validation RemovePackageManagerFormat "remove-package-manager-format" ["Validation:RemovePackageManagerBadOutputFormat"]
        "live and COSI images keep the package manager";
    Validation ScriptBody "script-body" []
        "a script has either a path or content";
    Validation ScriptNotLocal "script-not-local" ["Validation:ScriptNotUnderConfigDir"]
        "a script lies in or below the configuration's folder";
    Validation CustomStepsPreview "custom-steps-preview" []
        "`steps` needs `custom-steps`";
    Validation StepName "step-name" []
        "a step's name is lower-case words joined by `-`, at most 64 characters";
    Validation StepNameBuiltIn "step-name-built-in" []
        "a step is not named like a built-in one";
    Validation StepNameRepeated "step-name-repeated" []
        "a step's name stands once in the whole chain";
    Validation StepComponent "step-component" []
        "a step names its component";
    Validation StepComponentOci "step-component-oci" []
        "a component in a registry is named with its digest";
    Validation StepSha256 "step-sha256" []
        "`sha256` is 64 hex digits";
    Validation StepArtifact "step-artifact" []
        "an artifact of a step has a name and a path";
    Validation StepGrantPattern "step-grant-pattern" []
        "a pattern of a grant is an absolute path; `*` and `?` stand for parts of a name, `**` for names";
    Validation StepLimit "step-limit" []
        "a limit of a step lies in its range";
    Validation StepPosition "step-position" []
        "a step has at most one of `after` and `before`";
    Validation BaseConfigsPreview "base-configs-preview" []
        "`baseConfigs` needs `base-configs`";
    Validation BaseConfigPath "base-config-path" []
        "a base configuration has a path";
    Validation BaseConfigRepeated "base-config-repeated" []
        "a base configuration is reached once";
    Validation StorageOneFile "storage-one-file" ["Validation:StorageMoreThanOne"]
        "one file of a chain sets `storage`";
    Validation InputRequired "input-required" ["Validation:InputImageFileRequired"]
        "a base image is named";
    Validation OutputFormatRequired "output-format-required" ["Validation:OutputImageFormatRequired"]
        "an output format is named";
    Validation OutputPathRequired "output-path-required" ["Validation:OutputImageFileRequired"]
        "an output file is named";
    Validation PackageSources "package-sources" ["Validation:NoRpmSourcesSpecified"]
        "packages have a source";
    Validation OptionSnapshotTime "option-snapshot-time" ["Validation:InvalidPackageSnapshotTime"]
        "`--package-snapshot-time` is a date or an instant";
    Validation OptionSnapshotTimePreview "option-snapshot-time-preview" ["Validation:PackageSnapshotPreviewRequired"]
        "`--package-snapshot-time` needs `package-snapshot-time`";
    Validation OptionImage "option-image" ["Validation:InvalidInputImageStringFormat"]
        "`--image` names an image";
    Validation OptionImageTwice "option-image-twice" ["Validation:MultipleInputImageOptions"]
        "`--image` and `--image-file` exclude each other";
    Validation OptionImagePreview "option-image-preview" ["Validation:InputImageOciPreviewRequired"]
        "`--image` needs `input-image-oci`";
    Validation OptionToolsDirPreview "option-tools-dir-preview" ["Validation:ToolsDirPreviewRequired"]
        "`--tools-dir` needs `tools-dir`";
    Validation OptionCosiLevel "option-cosi-level" []
        "`--cosi-compression-level` is from 1 to 22";
    Validation CreatePreview "create-preview" []
        "the `create` command needs `create`";
    Validation CreateField "create-field" []
        "the `create` command takes the field";
    Validation CreateDisks "create-disks" []
        "the `create` command lays out a disk";
    Validation InjectPreview "inject-preview" []
        "`inject-files` needs `inject-files`";
    Validation InjectSource "inject-source" []
        "a file to inject has a source";
    Validation InjectDestination "inject-destination" []
        "a file to inject has a destination";
    Validation InjectPartition "inject-partition" []
        "a file to inject names its partition";
    Resource InputFileOption "input-file-option" ["Validation:InvalidInputImageFileArg"]
        "the base image of `--image-file` exists";
    Resource InputFileConfig "input-file-config" ["Validation:InvalidInputImageFileConfig"]
        "the base image exists";
    Resource InputFileNotFile "input-file-not-file" ["Validation:InputImageFileNotFile"]
        "the base image is a file";
    Resource OutputIsFolder "output-is-folder" ["Validation:OutputImageFileIsDirectory"]
        "the output file is no folder";
    Resource OutputFileOption "output-file-option" ["Validation:InvalidOutputImageFileArg"]
        "the output file of `--output-image-file` can be made";
    Resource OutputFileConfig "output-file-config" ["Validation:InvalidOutputImageFileConfig"]
        "the output file can be made";
    Resource SelinuxPolicyOption "selinux-policy-option" ["Validation:InvalidOutputSelinuxPolicyPathArg"]
        "the policy folder of `--output-selinux-policy-path` can be made";
    Resource SelinuxPolicyConfig "selinux-policy-config" ["Validation:InvalidOutputSelinuxPolicyPathConfig"]
        "the policy folder can be made";
    Resource SelinuxPolicyIsFileOption "selinux-policy-is-file-option" ["Validation:OutputSelinuxPolicyPathIsFileArg"]
        "the policy folder of `--output-selinux-policy-path` is no file";
    Resource SelinuxPolicyIsFileConfig "selinux-policy-is-file-config" ["Validation:OutputSelinuxPolicyPathIsFileConfig"]
        "the policy folder is no file";
    Resource AdditionalFileMissing "additional-file-missing" ["Validation:InvalidAdditionalFilesSource"]
        "the source of an additional file exists";
    Resource AdditionalFileNotFile "additional-file-not-file" ["Validation:AdditionalFilesSourceNotFile"]
        "the source of an additional file is a regular file";
    Resource AdditionalDirMissing "additional-dir-missing" ["Validation:AdditionalDirsSourceNotFound"]
        "the source of an additional folder exists";
    Resource AdditionalDirNotDir "additional-dir-not-dir" ["Validation:AdditionalDirsSourceIsFile"]
        "the source of an additional folder is a folder";
    Resource AdditionalDirUnreadable "additional-dir-unreadable" ["Validation:AdditionalDirsSourceNotReadable"]
        "the source of an additional folder can be read";
    Resource PublicKeyMissing "public-key-missing" ["Validation:InvalidUser", "Validation:InvalidSSHPublicKeyFile"]
        "a public key file exists";
    Resource PublicKeyNotFile "public-key-not-file" ["Validation:InvalidUser", "Validation:SSHPublicKeyNotFile"]
        "a public key file is a regular file";
    Resource PasswordFileMissing "password-file-missing" ["Validation:InvalidUser", "Validation:InvalidPasswordFile"]
        "a password file exists";
    Resource PasswordFileNotFile "password-file-not-file" ["Validation:InvalidUser", "Validation:PasswordFileNotFile"]
        "a password file is a regular file";
    Resource PostScriptUnreadable "post-script-unreadable" ["Validation:InvalidPostCustomizationScript", "Validation:ScriptFileNotReadable"]
        "a script can be read";
    Resource PostScriptNotFile "post-script-not-file" ["Validation:InvalidPostCustomizationScript", "Validation:ScriptFileNotFile"]
        "a script is a regular file";
    Resource FinalizeScriptUnreadable "finalize-script-unreadable" ["Validation:InvalidFinalizeScript", "Validation:ScriptFileNotReadable"]
        "a script of the end can be read";
    Resource FinalizeScriptNotFile "finalize-script-not-file" ["Validation:InvalidFinalizeScript", "Validation:ScriptFileNotFile"]
        "a script of the end is a regular file";
    Resource RpmSourceMissing "rpm-source-missing" ["RpmSources:FileTypeDetection"]
        "a source of `--rpm-source` exists";
    Resource RpmSourceKind "rpm-source-kind" ["RpmSources:TypeUnknown"]
        "a source of `--rpm-source` is a folder or ends in `.repo`";
    Resource StepComponentFile "step-component-file" []
        "the component of a step is a regular file of at most 128 MiB that can be read";
    Resource StepComponentFetch "step-component-fetch" []
        "the component of a step can be fetched from its registry";
    Resource StepComponentSha256 "step-component-sha256" []
        "the component of a step has the digest that the configuration names";
    Resource StepComponentInvalid "step-component-invalid" []
        "the component of a step can be compiled and fits the step contract";
    Resource StepArtifactMissing "step-artifact-missing" []
        "an artifact of a step is a file or a folder";
    Resource StepGrantMissing "step-grant-missing" []
        "what a component imports is granted";
    Resource StepSettingsSchema "step-settings-schema" []
        "the schema of a component's settings can be used";
    Resource StepSettings "step-settings" []
        "the settings of a step fit its component's schema";
    Resource StepLocked "step-locked" []
        "with `--locked`, steps are as `imagecustomizer.lock` says";
    Resource PolicyForm "policy-form" []
        "a policy is one document, leaves no value out, and names registries by host name";
    Resource PolicyRegistry "policy-registry" []
        "a component comes from a registry that the policy allows";
    Resource PolicyComponent "policy-component" []
        "a component is one of those that the policy allows";
    Resource PolicySha256 "policy-sha256" []
        "a step names the digest of its component where the policy asks for it";
    Resource PolicyGrant "policy-grant" []
        "a step is granted no more than the policy allows";
    Resource PolicyLimit "policy-limit" []
        "the limits of a step are no higher than the policy allows";
    Unsupported Unsupported "unsupported" []
        "this program can carry it out";
}

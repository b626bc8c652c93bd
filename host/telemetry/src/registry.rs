//! The closed sets of values, and what carries them: all that telemetry can say.
//!
//! Made from `registry/imagecustomizer.yaml`; `tests/generated` says how.

use crate::closed_set::{closed_set, duration_classes, guest_members, signal};

closed_set! {
    ServiceName, "service.name", "The program.", Environment, guest false, {
        Imagecustomizer = "imagecustomizer": "This program.",
    }
}

closed_set! {
    ServiceVersion, "service.version", "The release of the program.", Environment, guest false, {
        Dev = "0.0.0-dev": "Not a release.",
        V010 = "0.1.0": "Release 0.1.0.",
    }
}

closed_set! {
    SchemaVersion, "imagecustomizer.schema.version", "The version of this list.", Environment, guest false, {
        V1 = "1": "The first version.",
    }
}

closed_set! {
    InstallKind, "imagecustomizer.install.kind", "How the program came to the machine.", Environment, guest false, {
        Container = "container": "The container image of the project.",
        ReleaseBinary = "release_binary": "A downloaded release.",
        DistroPackage = "distro_package": "A package of a Linux distribution.",
        SourceBuild = "source_build": "A build from source.",
    }
}

closed_set! {
    HostOs, "imagecustomizer.host.os", "The family and version of the host's operating system.", Environment, guest false, {
        Azurelinux2 = "azurelinux_2": "CBL-Mariner 2.",
        Azurelinux3 = "azurelinux_3": "Azure Linux 3.",
        Azurelinux4 = "azurelinux_4": "Azure Linux 4.",
        Ubuntu2204 = "ubuntu_22_04": "Ubuntu 22.04.",
        Ubuntu2404 = "ubuntu_24_04": "Ubuntu 24.04.",
        Ubuntu2604 = "ubuntu_26_04": "Ubuntu 26.04.",
        Debian12 = "debian_12": "Debian 12.",
        Debian13 = "debian_13": "Debian 13.",
        Fedora = "fedora": "Fedora.",
        RhelLike = "rhel_like": "Red Hat Enterprise Linux or made from it.",
        Suse = "suse": "SUSE or openSUSE.",
        Arch = "arch": "Arch Linux.",
        Alpine = "alpine": "Alpine Linux.",
        Other = "other": "Any other system or version.",
        Unknown = "unknown": "Not known.",
    }
}

closed_set! {
    HostEnv, "imagecustomizer.host.env", "What the program runs inside of.", Environment, guest false, {
        Native = "native": "The host itself.",
        Container = "container": "A container.",
        Wsl2 = "wsl2": "Windows Subsystem for Linux.",
        Wsl2Container = "wsl2_container": "A container in Windows Subsystem for Linux.",
        Unknown = "unknown": "Not known.",
    }
}

closed_set! {
    HostArch, "imagecustomizer.host.arch", "The processor architecture.", Environment, guest false, {
        Amd64 = "amd64": "64-bit x86.",
        Arm64 = "arm64": "64-bit Arm.",
        Other = "other": "Any other.",
    }
}

closed_set! {
    Ci, "imagecustomizer.ci", "The service of continuous integration around the run, told by the presence of variables alone.", Environment, guest false, {
        None = "none": "None.",
        GithubActions = "github_actions": "GitHub Actions.",
        AzurePipelines = "azure_pipelines": "Azure Pipelines.",
        GitlabCi = "gitlab_ci": "GitLab CI.",
        Jenkins = "jenkins": "Jenkins.",
        OtherCi = "other_ci": "Any other.",
    }
}

closed_set! {
    Command, "imagecustomizer.command", "The subcommand.", Usage, guest false, {
        Customize = "customize": "Changes an image.",
        Create = "create": "Makes an image from nothing.",
        Convert = "convert": "Writes an image in another format.",
        InjectFiles = "inject_files": "Puts files back into an image.",
        ValidateConfig = "validate_config": "Checks a configuration.",
        Other = "other": "Any other.",
    }
}

closed_set! {
    Outcome, "imagecustomizer.outcome", "How the run ended.", Performance, guest true, {
        Success = "success": "As asked.",
        UserError = "user_error": "What was asked for is wrong or not there.",
        HostError = "host_error": "The machine or the program failed.",
        GuestError = "guest_error": "A run with a step that is not built in did not succeed.",
        Cancelled = "cancelled": "The person stopped it.",
    }
}

guest_members! {
    Outcome { Success, GuestError, }
}

closed_set! {
    ErrorType, "error.type", "The kind of what went wrong, never its message.", Performance, guest true, {
        None = "none": "Nothing.",
        Usage = "usage": "The command line.",
        ConfigInvalid = "config_invalid": "The configuration.",
        NotSupported = "not_supported": "Something that is not supported yet.",
        BuildDirectory = "build_directory": "The build directory.",
        InputNotFound = "input_not_found": "The input image is not there.",
        InputFormat = "input_format": "The input image cannot be read.",
        ImageLayout = "image_layout": "Partitions or file systems of the image.",
        Distribution = "distribution": "The image's operating system.",
        Artifact = "artifact": "An input file of a step.",
        Download = "download": "A download.",
        Auth = "auth": "A registry refused the credentials.",
        Space = "space": "No space left.",
        Permission = "permission": "A permission is missing.",
        Mount = "mount": "A mount or loop device.",
        Partition = "partition": "Writing a partition table.",
        Filesystem = "filesystem": "A file system is damaged or cannot be written.",
        PackageResolve = "package_resolve": "A package or its dependencies cannot be found.",
        PackageInstall = "package_install": "A package cannot be installed or removed.",
        Bootloader = "bootloader": "The boot loader.",
        Selinux = "selinux": "SELinux.",
        Verity = "verity": "Verity.",
        Uki = "uki": "Unified kernel images.",
        ScriptFailed = "script_failed": "A script.",
        StepFailed = "step_failed": "A built-in step.",
        Convert = "convert": "The conversion between formats.",
        OutputWrite = "output_write": "The output image cannot be written.",
        Timeout = "timeout": "Something took too long.",
        Internal = "internal": "A mistake in the program.",
        GuestError = "guest_error": "Anything in a run with a step that is not built in.",
        Other = "other": "Anything else.",
    }
}

guest_members! {
    ErrorType { None, GuestError, }
}

closed_set! {
    InputFormat, "imagecustomizer.image.format.input", "The format of the input image, told by its bytes and never by its name.", Environment, guest false, {
        Raw = "raw": "The bytes of the disk.",
        Vhd = "vhd": "VHD that grows.",
        VhdFixed = "vhd_fixed": "VHD of fixed size.",
        Vhdx = "vhdx": "VHDX.",
        Qcow2 = "qcow2": "QEMU's format.",
        Iso = "iso": "Bootable medium.",
        Cosi = "cosi": "COSI.",
        Pxe = "pxe": "Network boot files.",
        None = "none": "No input was opened.",
        Other = "other": "Any other.",
    }
}

closed_set! {
    OutputFormat, "imagecustomizer.image.format.output", "The format of the output image.", Usage, guest false, {
        Raw = "raw": "The bytes of the disk.",
        Vhd = "vhd": "VHD that grows.",
        VhdFixed = "vhd_fixed": "VHD of fixed size.",
        Vhdx = "vhdx": "VHDX.",
        Qcow2 = "qcow2": "QEMU's format.",
        Iso = "iso": "Bootable medium.",
        Cosi = "cosi": "COSI.",
        PxeDir = "pxe_dir": "Folder of network boot files.",
        PxeTar = "pxe_tar": "Archive of network boot files.",
        BaremetalImage = "baremetal_image": "Compressed disk for bare metal.",
        None = "none": "No output was asked for.",
    }
}

closed_set! {
    BaseSource, "imagecustomizer.base.source", "Where the input image came from.", Usage, guest false, {
        File = "file": "A file.",
        Oci = "oci": "An OCI registry.",
        Catalog = "catalog": "A catalog of base images.",
        None = "none": "Nowhere.",
    }
}

closed_set! {
    BaseDistro, "imagecustomizer.base.distro", "The distribution in the image.", Environment, guest false, {
        Azurelinux2 = "azurelinux_2": "CBL-Mariner 2.",
        Azurelinux3 = "azurelinux_3": "Azure Linux 3.",
        Azurelinux4 = "azurelinux_4": "Azure Linux 4.",
        Fedora = "fedora": "Fedora.",
        Ubuntu = "ubuntu": "Ubuntu.",
        Debian = "debian": "Debian.",
        Acl = "acl": "Azure Container Linux.",
        Other = "other": "Any other.",
        Unknown = "unknown": "Not known.",
    }
}

closed_set! {
    DurationClass, "imagecustomizer.duration.class", "How long it took, in seven classes.", Performance, guest false, {
        Lt1s = "lt_1s": "Below 1 s.",
        Lt4s = "lt_4s": "1 s to 4 s.",
        Lt16s = "lt_16s": "4 s to 16 s.",
        Lt64s = "lt_64s": "16 s to 64 s.",
        Lt256s = "lt_256s": "64 s to 256 s.",
        Lt1024s = "lt_1024s": "256 s to 1024 s.",
        Ge1024s = "ge_1024s": "1024 s and more.",
    }
}

duration_classes! {
    DurationClass {
        Lt1s: below 1, length 500;
        Lt4s: below 4, length 2000;
        Lt16s: below 16, length 8000;
        Lt64s: below 64, length 32000;
        Lt256s: below 256, length 128000;
        Lt1024s: below 1024, length 512000;
    }
    Ge1024s: length 2048000;
}

closed_set! {
    CoarseDurationClass, "imagecustomizer.duration.coarse_class", "How long a run took that loaded a step that is not built in, in four classes; in about a quarter of all runs the class is drawn by lot.", Performance, guest true, {
        Lt16s = "lt_16s": "Below 16 s.",
        Lt64s = "lt_64s": "16 s to 64 s.",
        Lt256s = "lt_256s": "64 s to 256 s.",
        Ge256s = "ge_256s": "256 s and more.",
    }
}

duration_classes! {
    CoarseDurationClass {
        Lt16s: below 16, length 8000;
        Lt64s: below 64, length 32000;
        Lt256s: below 256, length 128000;
    }
    Ge256s: length 512000;
}

guest_members! {
    CoarseDurationClass { Lt16s, Lt64s, Lt256s, Ge256s, }
}

closed_set! {
    Phase, "imagecustomizer.phase", "A part of the run.", Performance, guest false, {
        Validate = "validate": "The configuration is read and checked.",
        Import = "import": "The input image is read.",
        Inspect = "inspect": "The image is looked at.",
        Customize = "customize": "Steps run.",
        Seal = "seal": "File systems are checked and closed.",
        Export = "export": "The output image is written.",
    }
}

closed_set! {
    Api, "imagecustomizer.api", "A part of the configuration language that the run used.", Usage, guest false, {
        Storage = "storage": "Disks and partitions.",
        Packages = "packages": "Packages.",
        AdditionalFiles = "additional_files": "Files and folders.",
        Hostname = "hostname": "The host name.",
        Users = "users": "Users.",
        Groups = "groups": "Groups.",
        Services = "services": "Services.",
        Modules = "modules": "Kernel modules.",
        KernelCommandLine = "kernel_command_line": "The kernel's command line.",
        Bootloader = "bootloader": "The boot loader.",
        Selinux = "selinux": "SELinux.",
        Verity = "verity": "Verity.",
        Overlays = "overlays": "Overlays.",
        Uki = "uki": "Unified kernel images.",
        Scripts = "scripts": "Scripts.",
        Iso = "iso": "Settings of bootable media.",
        Pxe = "pxe": "Settings of network boot.",
        Artifacts = "artifacts": "Artifacts beside the image.",
        History = "history": "The history inside the image.",
        CustomSteps = "custom_steps": "Steps that are not built in.",
    }
}

signal! {
    RESOURCE, "imagecustomizer.program", "", Always, "The program on this kind of machine. Goes along with all that is sent.", {
        Always ServiceName,
        Always ServiceVersion,
        Always SchemaVersion,
        Always InstallKind,
        Always HostOs,
        Always HostEnv,
        Always HostArch,
        Always Ci,
    }
}

signal! {
    RUN_SPAN, "imagecustomizer.run", "", Always, "A run of the program, once. Starts at the full hour in which the run began; its length stands for its class.", {
        Always Command,
        Always Outcome,
        Always ErrorType,
        Always InputFormat,
        Always OutputFormat,
        Always BaseSource,
        Always BaseDistro,
        Full DurationClass,
        Minimal CoarseDurationClass,
    }
}

signal! {
    PHASE_SPAN, "imagecustomizer.phase", "", Full, "A part of a run, each at most once. They start at the full hour and follow one another; lengths stand for classes.", {
        Always Phase,
        Always DurationClass,
    }
}

signal! {
    RUNS_METRIC, "imagecustomizer.runs", "{run}", Always, "One for the run.", {
        Always Command,
        Always Outcome,
        Always ErrorType,
    }
}

signal! {
    RUN_DURATION_METRIC, "imagecustomizer.run.duration", "s", Full, "The length that stands for the run's class.", {
        Always Command,
        Always OutputFormat,
        Always DurationClass,
    }
}

signal! {
    API_CALLS_METRIC, "imagecustomizer.api.calls", "{call}", Full, "One for each part of the configuration language that the run used, however often.", {
        Always Api,
    }
}

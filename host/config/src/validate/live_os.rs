//! Rules of `iso` and `pxe`.

use super::address::pxe_url;
use super::os::{check_additional_files, check_command_line};
use super::{Checker, given};
use crate::decode::clip;
use crate::model::{InitramfsType, Iso, Pxe};
use crate::rule::Rule;

pub(super) fn check_iso(iso: &Iso, checker: &mut Checker) {
    check_command_line(&iso.kernel_command_line, "iso", checker);
    check_additional_files(&iso.additional_files, "iso", checker);
}

pub(super) fn check_pxe(pxe: &Pxe, checker: &mut Checker) {
    check_command_line(&pxe.kernel_command_line, "pxe", checker);
    check_additional_files(&pxe.additional_files, "pxe", checker);
    let urls = [
        ("pxe.bootstrapBaseUrl", given(&pxe.bootstrap_base_url)),
        ("pxe.bootstrapFileUrl", given(&pxe.bootstrap_file_url)),
    ];
    for (field, url) in urls {
        let Some(url) = url else { continue };
        if let Err(reason) = pxe_url(url) {
            checker.fail(Rule::PxeUrl, field, url.at, format!("invalid URL `{}`: {reason}", clip(url)));
        }
        if let Some(InitramfsType::FullOs) = pxe.initramfs_type.as_ref().map(|kind| kind.value) {
            let message = format!("`{field}` has no use with `initramfsType: full-os`");
            let hint = "remove the URL, or set `initramfsType: bootstrap`";
            checker.fail_hint(Rule::PxeUrlWithFullOs, field, url.at, message, hint);
        }
    }
    if let [(_, Some(_)), (field, Some(second))] = urls {
        let message = "`bootstrapBaseUrl` and `bootstrapFileUrl` exclude each other";
        checker.fail_hint(Rule::PxeOneUrl, field, second.at, message, "keep one of them");
    }
}

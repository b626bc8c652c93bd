"""The step `motd`: puts a greeting into /etc/motd."""

import json

import wit_world
from componentize_py_types import Err
from wit_world.exports.step import Description
from wit_world.imports import log, rootfs
from wit_world.imports.failures import FailureCode
from wit_world.imports.log import Level
from wit_world.imports.rootfs import Existing, WriteOptions

PATH = "/etc/motd"

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": ["text"],
    "properties": {
        "text": {
            "description": "The greeting; the file ends with a line end.",
            "type": "string",
            "maxLength": 4096,
        }
    },
}


def present(path: str) -> bytes | None:
    """What the file holds, or None when there is none. Calls of the host raise the contract's `failure`."""
    try:
        return rootfs.read(path)
    except Err as error:
        if error.value.code == FailureCode.NOT_FOUND:
            return None
        raise


class Step:
    def describe(self) -> Description:
        return Description(
            name="motd",
            version="0.1.0",
            summary="Puts a greeting into /etc/motd",
            settings_schema=json.dumps(SCHEMA),
            annotations=[],
        )

    def run(self, settings: str) -> None:
        """To fail, raise Err(Failure(code, message)); the message holds no secrets."""
        text = json.loads(settings)["text"].rstrip("\n") + "\n"
        data = text.encode()
        if present(PATH) == data:
            return  # a second run changes nothing
        rootfs.write(
            PATH,
            data,
            WriteOptions(existing=Existing.REPLACE, mode=None, owner=None, replace_symlink=False, parents=True),
        )
        log.write(Level.INFO, "wrote the greeting", [("path", PATH)])

#!/usr/bin/env python3
"""Holds the JSON Schema that the program prints against a validator that is not ours.

usage: check.py PROGRAM    (`run.sh` installs what this needs)

What the program accepts, the schema accepts, but for the forms listed in STRICTER: an editor that follows the schema
never marks a sound file. What the program refuses for its structure, the schema refuses too, but for LOOSER. Rules that
relate several fields are the program's alone.
"""

import json
import pathlib
import re
import subprocess
import sys

import jsonschema
import yaml

TESTS = pathlib.Path(__file__).resolve().parent.parent

# Rules that a schema can know: fields, kinds of values, words from lists, forms of text.
STRUCTURE = {
    "additional-dir-source",
    "artifacts-path",
    "choice-unknown",
    "field-unknown",
    "partition-table-type",
    "password-type-required",
    "size-form",
    "size-unit",
    "size-whole-mib",
    "value-kind",
    "verity-id",
}

# Accepted by the program, but not by the schema: forms that only old files should have. By the case's title.
STRICTER = {
    # An empty word is "not given".
    "module-name: given",
    "partition-end-or-size: an empty size is unset",
    "verity-mount-id-type: an empty one",
    "choice-unknown: empty words are unset",
    # YAML 1.1, which the reference program's reader still knows.
    "value-kind: booleans of YAML 1.1",
    "number-range: numbers in other forms",
    # Keys without effect.
    "field-unknown: keys that the reference program takes without effect",
    "field-unknown: the same in storage",
}

# Refused by the program, but gone when the file has been read as YAML.
LOOSER = {
    "field-unknown: a merge key in a mount point",
    "field-unknown: a merge key in an OCI image",
    "value-kind: settings that JSON has no form for",
    "field-unknown: an alias as a key in an OCI image",
}

# Accepted by the program, but not by the YAML reader used here.
UNREADABLE = {"yaml: only the first document counts", "value-tag: an unknown tag means nothing"}


class Loader(yaml.SafeLoader):
    """Reads scalars by the core schema of YAML 1.2, as editors do."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in [
    ("null", r"^(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", list("-+0123456789")),
    ("float", r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", list("-+.0123456789")),
    ("merge", r"^<<$", ["<"]),
]:
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)


def integer(loader, node):
    text = node.value
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


Loader.add_constructor("tag:yaml.org,2002:int", integer)


def cases():
    """Title, whether the program accepts it, the rule it is about, and the text."""
    for file in sorted((TESTS / "configs").glob("*.yaml")):
        yield f"configs/{file.name}", True, None, file.read_text()
    for file in sorted((TESTS / "conformance").glob("*.yaml")):
        for case in re.split(r"(?m)^### ", file.read_text())[1:]:
            heading, text = case.split("\n", 1)
            what, title = heading.split(" ", 1)
            yield title, what == "accept", title.split(":")[0], text


def read(text):
    """What a validator gets to see; None is a value, so failures are an exception."""
    return json.loads(json.dumps(yaml.load(text, Loader)))


def judge(validator, title, accepted, rule, text):
    """What is wrong with the schema's answer, if anything, and which exception was needed."""
    try:
        errors = list(validator.iter_errors(read(text)))
    except (yaml.YAMLError, ValueError) as error:
        # Text that is no YAML gives no value to look at.
        if not accepted or title in UNREADABLE:
            return None, title
        return f"cannot be read: {error}", None
    if accepted and errors:
        wrong = f"is accepted by the program, but not by the schema: {errors[0].json_path} {errors[0].message}"
        return (None, title) if title in STRICTER else (wrong, None)
    if not accepted and not errors and rule in STRUCTURE:
        return (None, title) if title in LOOSER else ("is refused by the program, but not by the schema", None)
    return None, None


def main(program):
    printed = subprocess.run([program, "schema"], check=True, capture_output=True).stdout
    schema = json.loads(printed)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    count, wrong, used = 0, [], set()
    for title, accepted, rule, text in cases():
        count += 1
        problem, exception = judge(validator, title, accepted, rule, text)
        used.add(exception)
        if problem:
            wrong.append(f"`{title}` {problem}")
    wrong += [f"`{title}` needs no exception any more" for title in sorted((STRICTER | LOOSER | UNREADABLE) - used)]
    for line in wrong:
        print(f"schema: {line}", file=sys.stderr)
    print(f"schema: {count} cases, {len(wrong)} of them wrong")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))

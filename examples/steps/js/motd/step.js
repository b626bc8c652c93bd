// The step `motd`: puts a greeting into /etc/motd.

import { write as log } from "customizer:step/log@0.1.0";
import { read, write } from "customizer:step/rootfs@0.1.0";

const PATH = "/etc/motd";

const SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  additionalProperties: false,
  required: ["text"],
  properties: {
    text: {
      description: "The greeting; the file ends with a line end.",
      type: "string",
      maxLength: 4096,
    },
  },
};

// What the file holds, or undefined when there is none. Calls of the host throw the contract's `failure`.
function present(path) {
  try {
    return read(path);
  } catch (failure) {
    if (failureOf(failure).code === "not-found") return undefined;
    throw failure;
  }
}

const failureOf = (thrown) => thrown.payload ?? thrown;

const same = (one, other) => one.length === other.length && one.every((byte, index) => byte === other[index]);

export const step = {
  describe() {
    return {
      name: "motd",
      version: "0.1.0",
      summary: "Puts a greeting into /etc/motd",
      settingsSchema: JSON.stringify(SCHEMA),
      annotations: [],
    };
  },

  // To fail, throw { code, message }: a code of wit/failures.wit, and a message that holds no secrets.
  run(settings) {
    const { text } = JSON.parse(settings);
    const data = utf8(text.replace(/\n+$/, "") + "\n");
    const old = present(PATH);
    if (old !== undefined && same(old, data)) return; // a second run changes nothing
    write(PATH, data, { existing: "replace", replaceSymlink: false, parents: true });
    log("info", "wrote the greeting", [["path", PATH]]);
  },
};

// The text's bytes: QuickJS has no TextEncoder.
function utf8(text) {
  const bytes = [];
  for (const character of text.toWellFormed()) {
    const point = character.codePointAt(0);
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 0x3f));
    else if (point < 0x10000)
      bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
    else
      bytes.push(
        0xf0 | (point >> 18),
        0x80 | ((point >> 12) & 0x3f),
        0x80 | ((point >> 6) & 0x3f),
        0x80 | (point & 0x3f),
      );
  }
  return new Uint8Array(bytes);
}

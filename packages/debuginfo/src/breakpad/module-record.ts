/** The first line of a `.sym` file: MODULE operating-system architecture id name. */
import { DebugInfoError } from "../error.ts";
import { Fields } from "./fields.ts";

export interface ModuleRecord {
  readonly os: string;
  /** Named as for ELF. */
  readonly machine: string;
  /** Upper-case hex. */
  readonly debugId: string;
  /** Of the line behind it. */
  readonly next: number;
}

const KEYWORD = "MODULE ";
/** Bytes of the line that are looked at. */
const LONGEST = 4096;

/** Whether these first bytes are a `.sym` file's. */
export const isBreakpad = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(KEYWORD.length, bytes.length)).equals(
    Buffer.from(KEYWORD),
  );

/** Throws DebugInfoError `bad-breakpad`. */
export function readModule(bytes: Uint8Array): ModuleRecord {
  const head = bytes.subarray(0, LONGEST);
  const end = head.indexOf(0x0a);
  const fields = new Fields(end === -1 ? head : head.subarray(0, end));
  fields.open(0, fields.bytes.length);
  const keyword = fields.word("keyword");
  const os = fields.word("operating system");
  const architecture = fields.word("architecture");
  const id = fields.word("id").replace(/\r$/, "");
  if (keyword !== KEYWORD.trim() || !/^[0-9A-F]{32,48}$/i.test(id)) {
    throw new DebugInfoError(
      "bad-breakpad",
      `line 1: wanted MODULE, operating system, architecture, 33 hex digits, name; found ${JSON.stringify(fields.line(60))}`,
    );
  }
  return {
    os,
    machine: architecture === "amd64" ? "x86_64" : architecture.slice(0, 32),
    debugId: id.toUpperCase(),
    next: end === -1 ? bytes.length : end + 1,
  };
}

/** A code id is a build id where files are ELF. */
export const elfBuildId = (os: string, codeId: string | null): string | null =>
  codeId !== null && /^(linux|android|fuchsia)$/i.test(os) && /^(?:[0-9a-f]{2})+$/.test(codeId)
    ? codeId
    : null;

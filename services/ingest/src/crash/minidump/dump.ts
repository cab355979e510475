/**
 * A minidump as far as the door must know it: its header, and where its streams lie.
 *
 * minidumpapiset.h, MINIDUMP_HEADER and MINIDUMP_DIRECTORY. The file is on disk and may be large, so nothing is
 * read but what is asked for. Reading dumps is `minidump`'s; here it is only told what is one.
 */
import { MAX_DUMP_STREAMS } from "../../limits.ts";
import { Problem } from "../../problem.ts";

/** A file that is complete; `read` answers with fewer bytes at its end. */
export interface DumpBytes {
  readonly name: string;
  readonly size: number;
  read(at: number, length: number): Promise<Buffer>;
}

/** Bytes of the file. */
export interface FileRange {
  readonly at: number;
  readonly size: number;
}

export interface DumpStream {
  readonly type: number;
  readonly size: number;
  readonly at: number;
}

export interface Dump {
  readonly bytes: DumpBytes;
  readonly isLittle: boolean;
  readonly streams: readonly DumpStream[];
}

/** The first bytes of a dump that a machine of either byte order wrote. */
export const SIGNATURE_BYTES = 4;
const LITTLE = "MDMP";
const BIG = "PMDM";

const VERSION = 0xa793;
const HEADER_BYTES = 32;
const ENTRY_BYTES = 12;

export const isDump = (head: Buffer): boolean => {
  const signature = head.toString("latin1", 0, SIGNATURE_BYTES);
  return signature === LITTLE || signature === BIG;
};

/** Throws a Problem when the file is no minidump, or its directory does not lie inside it. */
export async function openDump(bytes: DumpBytes): Promise<Dump> {
  const head = await bytes.read(0, HEADER_BYTES);
  if (!isDump(head)) throw noDump(bytes, 0, "MDMP or PMDM", shownBytes(head));
  if (head.length < HEADER_BYTES) {
    throw noDump(bytes, 0, `a header of ${HEADER_BYTES} bytes`, `${head.length} bytes`);
  }
  const isLittle = head.toString("latin1", 0, SIGNATURE_BYTES) === LITTLE;
  const { u32 } = wordsOf(head, isLittle);
  const version = u32(4) & 0xffff;
  if (version !== VERSION) {
    throw noDump(bytes, 4, `version 0x${VERSION.toString(16)}`, `0x${version.toString(16)}`);
  }
  const count = u32(8);
  const at = u32(12);
  if (count > MAX_DUMP_STREAMS) {
    throw noDump(bytes, 8, `at most ${MAX_DUMP_STREAMS} streams (MAX_DUMP_STREAMS)`, `${count}`);
  }
  if (at + count * ENTRY_BYTES > bytes.size) {
    const wanted = `a directory of ${count} entries inside ${bytes.size} bytes`;
    throw noDump(bytes, 12, wanted, `one at byte ${at}`);
  }
  const directory = await bytes.read(at, count * ENTRY_BYTES);
  return { bytes, isLittle, streams: readDirectory(directory, isLittle) };
}

function readDirectory(directory: Buffer, isLittle: boolean): readonly DumpStream[] {
  const { u32 } = wordsOf(directory, isLittle);
  return Array.from({ length: directory.length / ENTRY_BYTES }, (_, index) => {
    const entry = index * ENTRY_BYTES;
    return { type: u32(entry), size: u32(entry + 4), at: u32(entry + 8) };
  });
}

/** The first stream of a type; readers take no other. */
export const streamOf = (dump: Dump, type: number): DumpStream | null =>
  dump.streams.find((stream) => stream.type === type) ?? null;

/** Numbers of a record, in the dump's byte order; `word`: of the process, `wordBytes` long. */
export function wordsOf(bytes: Buffer, isLittle: boolean, wordBytes: 4 | 8 = 8) {
  const u16 = (at: number): number => (isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const u32 = (at: number): number => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const u64 = (at: number): bigint =>
    isLittle ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at);
  return { u16, u32, u64, word: wordBytes === 8 ? u64 : (at: number): bigint => BigInt(u32(at)) };
}

export const noDump = (
  { name }: { readonly name: string },
  at: number,
  wanted: string,
  found: string,
): Problem =>
  new Problem(
    "bad-minidump",
    `${JSON.stringify(name)} at byte ${at}: wanted ${wanted}, found ${found}`,
  );

export const shownBytes = (head: Buffer): string =>
  JSON.stringify(head.subarray(0, 8).toString("latin1"));

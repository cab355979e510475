/** Archives by hand, well made and ill; the readers' own words are not used. */
import { crc32, deflateRawSync } from "node:zlib";

export interface ZipEntry {
  readonly name: string;
  readonly bytes?: Buffer;
  /** Default: deflate. */
  readonly stored?: boolean;
  /** Unix mode, of which the type tells a link. */
  readonly mode?: number;
  readonly encrypted?: boolean;
  /** Other than the truth. */
  readonly crc?: number;
  readonly size?: number;
  readonly method?: number;
}

const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;

/** PKWARE APPNOTE 4.3.7, 4.3.12, 4.3.16. */
export function zip(entries: readonly ZipEntry[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const entry of entries) {
    const { bytes = Buffer.alloc(0), stored = false } = entry;
    const name = Buffer.from(entry.name);
    const data = stored ? bytes : deflateRawSync(bytes);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE((entry.encrypted === true ? 1 : 0) | 0x800, 2);
    common.writeUInt16LE(entry.method ?? (stored ? 0 : 8), 4);
    common.writeUInt32LE(entry.crc ?? crc32(bytes), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(entry.size ?? bytes.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.alloc(LOCAL_BYTES);
    local.writeUInt32LE(0x04034b50, 0);
    common.copy(local, 4);
    const central = Buffer.alloc(CENTRAL_BYTES);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE((3 << 8) | 20, 4);
    common.copy(central, 6);
    central.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 38);
    central.writeUInt32LE(at, 42);
    files.push(local, name, data);
    directory.push(central, name);
    at += LOCAL_BYTES + name.length + data.length;
  }
  const listed = Buffer.concat(directory);
  return Buffer.concat([...files, listed, zipEnd(entries.length, listed.length, at)]);
}

/** ar(5), with GNU's table of long names. */
export function ar(entries: readonly { readonly name: string; readonly bytes: Buffer }[]): Buffer {
  const member = (name: string, bytes: Buffer): Buffer[] => [
    Buffer.from(`${name.padEnd(16)}${"0".padEnd(32)}${String(bytes.length).padEnd(10)}\`\n`),
    bytes,
    Buffer.alloc(bytes.length % 2, "\n"),
  ];
  const names = Buffer.from(entries.map(({ name }) => `${name}/\n`).join(""));
  const parts = [Buffer.from("!<arch>\n"), ...member("//", names)];
  for (const { name, bytes } of entries)
    parts.push(...member(`/${names.indexOf(`${name}/\n`)}`, bytes));
  return Buffer.concat(parts);
}

/** The end record, with a zip64 one before it where the count needs it (APPNOTE 4.3.14, 4.3.15). */
export function zipEnd(count: number, directoryBytes: number, directoryAt: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(count, 0xffff), 8);
  end.writeUInt16LE(Math.min(count, 0xffff), 10);
  end.writeUInt32LE(directoryBytes, 12);
  end.writeUInt32LE(directoryAt, 16);
  if (count < 0xffff) return end;
  const large = Buffer.alloc(56);
  large.writeUInt32LE(0x06064b50, 0);
  large.writeBigUInt64LE(44n, 4);
  large.writeBigUInt64LE(BigInt(count), 24);
  large.writeBigUInt64LE(BigInt(count), 32);
  large.writeBigUInt64LE(BigInt(directoryBytes), 40);
  large.writeBigUInt64LE(BigInt(directoryAt), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(directoryAt + directoryBytes), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([large, locator, end]);
}

export interface TarEntry {
  readonly name: string;
  readonly bytes?: Buffer;
  /** POSIX.1-1988 typeflag; default "0", a file. */
  readonly type?: string;
  readonly link?: string;
  /** Other than the truth. */
  readonly size?: number;
}

const BLOCK = 512;

/** POSIX.1-1988 ustar. */
export const tar = (entries: readonly TarEntry[]): Buffer =>
  Buffer.concat([...entries.flatMap(tarEntry), Buffer.alloc(2 * BLOCK)]);

function tarEntry({
  name,
  bytes = Buffer.alloc(0),
  type = "0",
  link = "",
  size,
}: TarEntry): Buffer[] {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number): void =>
    void header.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
  header.write(name, 0, 100, "utf8");
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size ?? bytes.length, 124, 12);
  octal(0, 136, 12);
  header.write(" ".repeat(8), 148, "latin1");
  header.write(type, 156, "latin1");
  header.write(link, 157, 100, "utf8");
  header.write("ustar\x0000", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  const padding = Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK);
  return [header, bytes, padding];
}

/** Lib/importlib/_bootstrap_external.py. */
const MAGIC_3_12 = 3531;
export const MAGIC_3_13 = 3571;

/** A .pyc as far as the door looks: magic, flags, time, size; then anything. */
export function pyc(about: string, magic = MAGIC_3_12): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt16LE(magic, 0);
  header.write("\r\n", 2, "latin1");
  return Buffer.concat([header, Buffer.from(about)]);
}

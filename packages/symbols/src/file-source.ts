/** A file on disk as the symbol readers take it: nothing is read before it is asked for. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { ByteSource } from "@faultline/debuginfo";

export interface FileSource extends ByteSource {
  close(): void;
}

/** Throws the system's error when the file cannot be opened. */
export function openFileSource(path: string): FileSource {
  const handle = openSync(path, "r");
  return {
    size: fstatSync(handle).size,
    read(offset, length) {
      const bytes = Buffer.allocUnsafeSlow(length);
      let at = 0;
      while (at < length) {
        const count = readSync(handle, bytes, at, length - at, offset + at);
        if (count === 0)
          throw new Error(`${path}: ends at byte ${offset + at}, was longer when it was opened`);
        at += count;
      }
      return bytes;
    },
    close: () => closeSync(handle),
  };
}

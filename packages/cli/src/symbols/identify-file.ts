/** What a file on disk is to the search for symbols. */
import {
  altLink,
  DebugInfoError,
  identifyNative,
  type NativeKind,
  openElf,
} from "@faultline/debuginfo";
import { openFileSource } from "@faultline/symbols/file-source";

export interface SymbolFile {
  readonly path: string;
  readonly kind: NativeKind;
  readonly buildId: string | null;
  readonly debugId: string | null;
  /** Build id of the supplementary file that it refers to. */
  readonly supplement: string | null;
}

const MAGIC = /^(?:\x7fELF|MODU)/;

/** Null for what is no symbol file, or a damaged one. The file has 4 bytes at least. */
export function identifyFile(path: string): SymbolFile | null {
  const source = openFileSource(path);
  try {
    if (!MAGIC.test(Buffer.from(source.read(0, 4)).toString("latin1"))) return null;
    const { kind, buildId, debugId } = identifyNative(source);
    const supplement = kind === "breakpad" ? null : (altLink(openElf(source))?.buildId ?? null);
    return { path, kind, buildId, debugId, supplement };
  } catch (error) {
    if (error instanceof DebugInfoError) return null;
    throw error;
  } finally {
    source.close();
  }
}

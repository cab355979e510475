/**
 * What a module's CvRecord leads to: the record that names its debug information.
 *
 * RSDS and NB10 are Microsoft's (PDB 7.0 and 2.0), "BpEL" Breakpad's for ELF (minidump_format.h,
 * MDCVInfoELF). Not handled: NB09 and NB11, debug information inside of the image.
 */
import { bytes, type Cursor, type Fields, struct, u16, u32 } from "@faultline/bytes";
import type { DumpFile } from "./file.ts";
import { MAX_BUILD_ID_BYTES, within } from "./limits.ts";
import type { Location } from "./records.ts";

/** guiddef.h, GUID: its first three fields are in the dump's byte order, the rest is bytes. */
export const Guid = struct("GUID", { data1: u32, data2: u16, data3: u16, data4: bytes(8) });
export type Guid = Fields<typeof Guid>;

const Pdb20 = struct("CV_INFO_PDB20", { offset: u32, signature: u32, age: u32 });

const SIGNATURE = { pdb70: 0x53445352, pdb20: 0x3031424e, elf: 0x4270454c } as const;

export type CodeView =
  | { readonly kind: "pdb70"; readonly guid: Guid; readonly age: number; readonly file: string }
  | {
      readonly kind: "pdb20";
      readonly signature: number;
      readonly age: number;
      readonly file: string;
    }
  | { readonly kind: "elf"; readonly buildId: Uint8Array };

const rest = (cursor: Cursor, field: string): Uint8Array => cursor.bytes(cursor.remaining, field);

/**
 * Null where there is none, and for a signature that is not known here. Throws MinidumpError or
 * TruncatedError.
 */
export function readCodeView(file: DumpFile, location: Location): CodeView | null {
  if (location.dataSize === 0) return null;
  const cursor = file.cursor(location, "MINIDUMP_MODULE.CvRecord");
  const signature = cursor.u32("CvRecord.signature");
  switch (signature) {
    case SIGNATURE.pdb70: {
      const guid = Guid.read(cursor);
      const age = cursor.u32("CV_INFO_PDB70.Age");
      const name = file.zeroTerminated(rest(cursor, "PdbFileName"), "PdbFileName", location.rva);
      return { kind: "pdb70", guid, age, file: name };
    }
    case SIGNATURE.pdb20: {
      const { signature: stamp, age } = Pdb20.read(cursor);
      const name = file.zeroTerminated(rest(cursor, "PdbFileName"), "PdbFileName", location.rva);
      return { kind: "pdb20", signature: stamp, age, file: name };
    }
    case SIGNATURE.elf:
      within(MAX_BUILD_ID_BYTES, "MAX_BUILD_ID_BYTES", cursor.remaining, "build id", location.rva);
      return { kind: "elf", buildId: rest(cursor, "MDCVInfoELF.build_id") };
    default:
      return null;
  }
}

/** MINIDUMP_MODULE with the record that identifies it, and MINIDUMP_UNLOADED_MODULE. */
import { type ByteWriter, fromHex, guid } from "./byte-writer.ts";
import { location, type Place, type Placer } from "./placer.ts";

export interface SynthModule {
  readonly base: bigint;
  readonly size: number;
  readonly name: string;
  /** Hex: a record for ELF. */
  readonly buildId?: string;
  /** RSDS: the GUID as it is printed. */
  readonly pdb?: { readonly guid: string; readonly age: number; readonly file: string };
  /** NB10 */
  readonly pdb20?: { readonly signature: number; readonly age: number; readonly file: string };
  /** Any record. */
  readonly cvRecord?: Uint8Array;
  readonly timestamp?: number;
  readonly version?: readonly [number, number, number, number];
}

export interface SynthUnloadedModule {
  readonly base: bigint;
  readonly size: number;
  readonly name: string;
  readonly timestamp?: number;
}

function cvRecord(out: Placer, module: SynthModule): Uint8Array {
  const { buildId, pdb, pdb20 } = module;
  const record = out.writer();
  if (module.cvRecord) record.bytes(module.cvRecord);
  else if (buildId !== undefined) record.u32(0x4270454c).bytes(fromHex(buildId));
  else if (pdb) guid(record.u32(0x53445352), pdb.guid).u32(pdb.age).utf8(pdb.file).u8(0);
  else if (pdb20) {
    record.u32(0x3031424e, 0, pdb20.signature, pdb20.age).utf8(pdb20.file).u8(0);
  }
  return record.finish();
}

function versionInfo(record: ByteWriter, version: SynthModule["version"]): ByteWriter {
  if (!version) return record.zeros(52);
  const [major, minor, build, revision] = version;
  const high = major * 0x10000 + minor;
  const low = build * 0x10000 + revision;
  return record.u32(0xfeef04bd, 0x10000, high, low, high, low).zeros(28);
}

export function moduleRecord(out: Placer, module: SynthModule): Uint8Array {
  const nameRva = out.utf16(module.name);
  const bytes = cvRecord(out, module);
  const cv: Place = bytes.length === 0 ? { dataSize: 0, rva: 0 } : out.place(bytes);
  const record = out.writer().u64(module.base);
  record.u32(module.size, 0, module.timestamp ?? 0, nameRva);
  return location(versionInfo(record, module.version), cv)
    .zeros(8 + 16)
    .finish();
}

export const unloadedModuleRecord = (out: Placer, module: SynthUnloadedModule): Uint8Array =>
  out
    .writer()
    .u64(module.base)
    .u32(module.size, 0, module.timestamp ?? 0, out.utf16(module.name))
    .finish();

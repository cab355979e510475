/**
 * CrashpadInfoStream: the ids of the report, and what the program noted about itself (Crashpad,
 * minidump_extensions.h, MinidumpCrashpadInfo). A higher version only appends, so that the fields
 * which are known here are read of any.
 */
import { type Fields, struct, type Struct, u16, u32 } from "@faultline/bytes";
import { Guid } from "../code-view.ts";
import type { DumpFile } from "../file.ts";
import { MAX_ANNOTATIONS } from "../limits.ts";
import { guidDigits } from "../module-ids.ts";
import { Location, nested } from "../records.ts";
import { readList, type Stream } from "../stream.ts";

const MinidumpCrashpadInfo = struct("MinidumpCrashpadInfo", {
  version: u32,
  reportId: nested(Guid),
  clientId: nested(Guid),
  simpleAnnotations: nested(Location),
  moduleList: nested(Location),
});

const MinidumpModuleCrashpadInfoLink = struct("MinidumpModuleCrashpadInfoLink", {
  moduleIndex: u32,
  location: nested(Location),
});

const MinidumpModuleCrashpadInfo = struct("MinidumpModuleCrashpadInfo", {
  version: u32,
  listAnnotations: nested(Location),
  simpleAnnotations: nested(Location),
});

const MinidumpSimpleStringDictionaryEntry = struct("MinidumpSimpleStringDictionaryEntry", {
  key: u32,
  value: u32,
});

const MinidumpAnnotation = struct("MinidumpAnnotation", {
  name: u32,
  type: u16,
  reserved: u16,
  value: u32,
});

const MinidumpRva = struct("MinidumpRVAList.children", { rva: u32 });

/** Crashpad, client/annotation.h, Annotation::Type; from 0x8000 on the program's own. */
const TYPE = { invalid: 0, string: 1 } as const;

/** An older writer of module infos ends before the place of annotation objects. */
const NOWHERE: Location = { dataSize: 0, rva: 0 };

/** A name once given by the program, and what it noted under it last. */
export interface Annotation {
  readonly name: string;
  readonly type: number;
  /** Text of a string; bytes of a type that only the program knows. Null of one that was never set. */
  readonly value: string | Uint8Array | null;
}

export interface ModuleAnnotations {
  /** Into the module list. */
  readonly moduleIndex: number;
  /** Messages without a name. */
  readonly list: readonly string[];
  readonly simple: ReadonlyMap<string, string>;
  readonly objects: readonly Annotation[];
}

export interface CrashpadInfo {
  readonly version: number;
  /** "01234567-89ab-cdef-0123-456789abcdef"; null where it is zero. */
  readonly reportId: string | null;
  readonly clientId: string | null;
  /** Of the process: "prod", "ver", "ptype" … */
  readonly annotations: ReadonlyMap<string, string>;
  readonly modules: readonly ModuleAnnotations[];
}

function uuid(guid: Guid): string | null {
  const digits = guidDigits(guid).toLowerCase();
  return /^0+$/.test(digits) ? null : digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Follows the places of lists and strings; all that it reads together stays below MAX_ANNOTATIONS. */
class AnnotationReader {
  readonly #file: DumpFile;
  #left = MAX_ANNOTATIONS;

  constructor(file: DumpFile) {
    this.#file = file;
  }

  /** The records of a list elsewhere in the file. */
  list<T>(place: Location, record: Struct<T>, size: number): readonly T[] {
    if (place.dataSize === 0) return [];
    const what = `${record.name}, count`;
    const cursor = this.#file.cursor(place, what);
    const shape = { what, record, size, max: this.#left, limit: "MAX_ANNOTATIONS" };
    const records = readList(cursor, shape);
    this.#left -= records.length;
    return records;
  }

  dictionary(place: Location): ReadonlyMap<string, string> {
    const entries = this.list(place, MinidumpSimpleStringDictionaryEntry, 8);
    return new Map(
      entries.map(({ key, value }) => [
        this.#file.utf8At(key, "annotation's key"),
        this.#file.utf8At(value, "annotation's value"),
      ]),
    );
  }

  module({ moduleIndex, location }: Fields<typeof MinidumpModuleCrashpadInfoLink>) {
    const cursor = this.#file.cursor(location, MinidumpModuleCrashpadInfo.name);
    const { listAnnotations, simpleAnnotations } = MinidumpModuleCrashpadInfo.read(cursor);
    const objects = cursor.remaining < 8 ? NOWHERE : Location.read(cursor);
    return {
      moduleIndex,
      list: this.list(listAnnotations, MinidumpRva, 4).map(({ rva }) =>
        this.#file.utf8At(rva, "annotation"),
      ),
      simple: this.dictionary(simpleAnnotations),
      objects: this.list(objects, MinidumpAnnotation, 12).map((raw) => this.#annotation(raw)),
    };
  }

  #annotation({ name, type, value }: Fields<typeof MinidumpAnnotation>): Annotation {
    return {
      name: this.#file.utf8At(name, "annotation's name"),
      type,
      value: this.#value(type, value),
    };
  }

  #value(type: number, rva: number): Annotation["value"] {
    if (type === TYPE.invalid || rva === 0) return null;
    if (type === TYPE.string) return this.#file.utf8At(rva, "annotation's value");
    const cursor = this.#file.cursorAt(rva, "annotation's value");
    return cursor.bytes(cursor.u32("MinidumpByteArray.length"), "MinidumpByteArray.data");
  }
}

export const CrashpadInfo: Stream<CrashpadInfo> = {
  type: 0x43500001,
  read({ cursor, file }) {
    const raw = MinidumpCrashpadInfo.read(cursor);
    const reader = new AnnotationReader(file);
    return {
      version: raw.version,
      reportId: uuid(raw.reportId),
      clientId: uuid(raw.clientId),
      annotations: reader.dictionary(raw.simpleAnnotations),
      modules: reader
        .list(raw.moduleList, MinidumpModuleCrashpadInfoLink, 12)
        .map((link) => reader.module(link)),
    };
  },
};

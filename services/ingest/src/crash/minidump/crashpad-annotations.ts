/**
 * Annotations that a program gave to Crashpad, as far as they are its environment or command line by their names.
 *
 * minidump_extensions.h: MinidumpCrashpadInfo with its dictionary, and of each module MinidumpModuleCrashpadInfo with
 * a dictionary and a list of annotations. Crashpad sends them as fields of its form too, where they are left out.
 */
import { MAX_DUMP_ANNOTATIONS } from "../../limits.ts";
import { isPrivate } from "../private-names.ts";
import { streamOf, wordsOf, type Dump, type FileRange } from "./dump.ts";

const CRASHPAD_INFO = 0x43500001;
/** MinidumpCrashpadInfo: version, two UUIDs, then the places of its dictionary and of its modules. */
const INFO_BYTES = 52;
const DICTIONARY_AT = 40;
const MODULES_AT = 48;
/** MinidumpModuleCrashpadInfoLink: index of the module, size and place of MinidumpModuleCrashpadInfo. */
const LINK_BYTES = 12;
const LINK_SIZE_AT = 4;
const LINK_PLACE_AT = 8;
/** MinidumpModuleCrashpadInfo: version, then size and place of three lists. */
const MODULE_BYTES = 28;
const MODULE_DICTIONARY_AT = 16;
const MODULE_LIST_AT = 24;
/** MinidumpSimpleStringDictionaryEntry: name, value. MinidumpAnnotation: name, type, value. */
const ENTRY = { bytes: 8, valueAt: 4 };
const ANNOTATION = { bytes: 12, valueAt: 8 };
/** Enough of a text to tell what it is. */
const LOOK_BYTES = 1_024;

export async function privateAnnotations(dump: Dump): Promise<readonly FileRange[]> {
  const stream = streamOf(dump, CRASHPAD_INFO);
  if (stream === null) return [];
  const info = await dump.bytes.read(stream.at, INFO_BYTES);
  if (info.length < INFO_BYTES) return [];
  const look = new Look(dump);
  const { u32 } = wordsOf(info, dump.isLittle);
  await look.atPairs(u32(DICTIONARY_AT), ENTRY);
  for (const link of await look.records(u32(MODULES_AT), LINK_BYTES)) {
    const linked = wordsOf(link, dump.isLittle);
    const size = Math.min(linked.u32(LINK_SIZE_AT), MODULE_BYTES);
    const module = await dump.bytes.read(linked.u32(LINK_PLACE_AT), size);
    const words = wordsOf(module, dump.isLittle);
    if (module.length >= MODULE_DICTIONARY_AT + 4) {
      await look.atPairs(words.u32(MODULE_DICTIONARY_AT), ENTRY);
    }
    // old writers end before the list
    if (module.length === MODULE_BYTES) await look.atPairs(words.u32(MODULE_LIST_AT), ANNOTATION);
  }
  return look.found;
}

class Look {
  readonly found: FileRange[] = [];
  readonly #dump: Dump;
  #left = MAX_DUMP_ANNOTATIONS;

  constructor(dump: Dump) {
    this.#dump = dump;
  }

  /** A list's records, behind its count; none for a list that is not there. Longer ones count as far as it goes. */
  async records(at: number, recordBytes: number): Promise<readonly Buffer[]> {
    if (at === 0) return [];
    const head = await this.#dump.bytes.read(at, 4);
    if (head.length < 4) return [];
    const count = Math.min(wordsOf(head, this.#dump.isLittle).u32(0), this.#left);
    this.#left -= count;
    const bytes = await this.#dump.bytes.read(at + 4, count * recordBytes);
    return Array.from({ length: Math.floor(bytes.length / recordBytes) }, (_, index) =>
      bytes.subarray(index * recordBytes, (index + 1) * recordBytes),
    );
  }

  /** Each record begins with the place of a name. */
  async atPairs(at: number, { bytes, valueAt }: { bytes: number; valueAt: number }): Promise<void> {
    for (const record of await this.records(at, bytes)) {
      const { u32 } = wordsOf(record, this.#dump.isLittle);
      const name = await this.#text(u32(0));
      const value = await this.#text(u32(valueAt));
      if (isPrivate(name.text, value.text)) this.found.push(value.place);
    }
  }

  /** A length and so many bytes. */
  async #text(at: number): Promise<{ readonly text: string; readonly place: FileRange }> {
    const bytes = await this.#dump.bytes.read(at, 4 + LOOK_BYTES);
    const size = bytes.length < 4 ? 0 : wordsOf(bytes, this.#dump.isLittle).u32(0);
    const text = bytes.toString("utf8", 4, 4 + Math.min(size, LOOK_BYTES));
    return { text, place: { at: at + 4, size } };
  }
}

/** Every bound of this package. Real files stay far below; an error caused by one names it. */
import { MinidumpError } from "./error.ts";

/** Entries of the stream directory. */
export const MAX_STREAMS = 4096;

/** Threads, thread names and thread infos, each. */
export const MAX_THREADS = 1 << 16;

/** Modules, and unloaded modules. */
export const MAX_MODULES = 1 << 16;

/**
 * Ranges of memory in one list: a full dump of 250 MB has a few thousand, one made of single pages
 * 64,000.
 */
export const MAX_MEMORY_RANGES = 1 << 18;

/** Entries of any other list, and lines of a text: mappings, handles. */
export const MAX_RECORDS = 1 << 18;

/** ELF files that are looked at in the process' memory. */
export const MAX_IMAGES = 4096;

/** Program headers of such a file, and of notes, segments and bytes in each. */
export const MAX_PROGRAM_HEADERS = 64;
export const MAX_NOTE_SEGMENTS = 4;
export const MAX_NOTE_BYTES = 4096;

/** Entries of the auxiliary vector; the kernel writes about 20. */
export const MAX_AUXV_ENTRIES = 1024;

/**
 * Annotations of Crashpad, in a dump: they are found by their place, so that many modules can share
 * one list.
 */
export const MAX_ANNOTATIONS = 1 << 16;

/** Bytes of memory that are copied together because the file keeps them apart. */
export const MAX_JOINED_BYTES = 1 << 24;

/** Bytes of a module's build id: linkers write 8 to 32. */
export const MAX_BUILD_ID_BYTES = 256;

/** Bytes of one string; paths and annotations stay below 32 KiB. */
export const MAX_STRING_BYTES = 1 << 18;

/** Bytes of a stream of text: the mappings of a process that has the kernel's 65,530 of them take 8 MB. */
export const MAX_DOCUMENT_BYTES = 1 << 25;

/**
 * Bytes of all text that is read from a dump. Strings are found by their place, so that a small
 * file can name one long string many times.
 */
export const MAX_TEXT_BYTES = 1 << 26;

/** Refuses a `count` read at `offset` that is above `limit`; `name` is the limit's. */
export function within(limit: number, name: string, count: number, what: string, offset: number) {
  if (count > limit) {
    throw new MinidumpError("limit", offset, what, {
      wanted: `at most ${limit} (${name})`,
      found: `${count}`,
    });
  }
}

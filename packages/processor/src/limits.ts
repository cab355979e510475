/** Every bound of this package. Each is named in the gap that says it was reached. */

/** Crashes made out of one text (what the service takes, too); the rest are counted in a gap of the last one. */
export const MAX_CRASHES_PER_TEXT = 200;

/** Python frames of one report that are looked up in maps; those beyond are kept as printed. */
export const MAX_FRAMES_RESOLVED = 10_000;

/** Base names in the one request for Python files. */
export const MAX_FILES_ASKED = 500;

/** Files of one base name that are compared with a frame's path. */
export const MAX_CANDIDATES_PER_NAME = 5_000;

/** Equally good files whose maps are opened for one frame's file. */
export const MAX_MAPS_PER_FILE = 16;

/** Code objects of a map that are compared with a name that CPython cut. */
export const MAX_CODES_SCANNED = 20_000;

export const MAX_GAPS_PER_REPORT = 100;
export const MAX_GAPS_PER_THREAD = 20;
export const MAX_GAP_CHARS = 600;

/** Names (files, functions, threads) listed in one gap before it says "and N more". */
export const MAX_NAMES_IN_GAP = 6;

/** Files that get a gap of their own for the same want, before one gap counts the rest. */
export const MAX_FILES_WITH_GAP = 20;

export const MAX_EXTENSION_MODULES = 2_000;

/** Bytes of a text without a dump that are read as a traceback. */
export const MAX_TRACEBACK_BYTES = 1024 * 1024;

/** Frames read from a Python traceback that replaced a fatal error's threads. */
export const MAX_TRACEBACK_FRAMES = 1_000;

export const SOURCE_LINES_BEFORE = 3;
export const SOURCE_LINES_AFTER = 3;

/** A larger source file shows no lines. */
export const MAX_SOURCE_FILE_BYTES = 4 * 1024 * 1024;

/** Characters kept of one source line. */
export const MAX_SOURCE_LINE_CHARS = 400;

/** Characters of source text in one report; frames after that show none. */
export const MAX_SOURCE_CHARS_PER_REPORT = 128 * 1024;

/** Files whose origin is remembered from crash to crash, and the longest path of one. */
export const MAX_KNOWN_ORIGINS = 8_192;
export const MAX_KNOWN_ORIGIN_CHARS = 300;

/** Times that symbols are asked for while the stacks of one dump are walked. */
export const MAX_SYMBOL_ROUNDS = 64;

/** Words of each stack that are looked at for modules before anything is walked. */
export const PREFETCH_STACK_WORDS = 2_048;

/** Threads of a minidump that are walked. */
export const MAX_NATIVE_THREADS = 2_000;

/** Annotations that are kept of a dump, and characters of a name or value. */
export const MAX_KEPT_ANNOTATIONS = 500;
export const MAX_ANNOTATION_CHARS = 2_000;

/** Frames of one stack that a report holds; of a longer one the first and the last. */
export const MAX_REPORT_FRAMES = 10_000;

/** Interpreters, threads, and frames of one thread and of all, that are read from memory. */
export const MAX_PYTHON_INTERPRETERS = 256;
export const MAX_PYTHON_THREADS = MAX_NATIVE_THREADS;
export const MAX_PYTHON_FRAMES_PER_THREAD = 10_000;
export const MAX_PYTHON_FRAMES = 100_000;

/** Characters of one name of a code object in memory; the reporter keeps no longer ones. */
export const MAX_PYTHON_NAME_CHARS = 4096;

/** Bytes of one line table in memory. */
export const MAX_PYTHON_LINE_TABLE_BYTES = 1024 * 1024;

/** Bytes that are read of the interpreter's state, those of a line table for each line looked up. */
export const MAX_PYTHON_MEMORY_BYTES = 32 * 1024 * 1024;

/** Bytes of an interpreter's module that are looked through for its state. */
export const MAX_RUNTIME_SCAN_BYTES = 64 * 1024 * 1024;

/** Pairs of a Python frame and an activation of the eval loop that are weighed for one thread. */
export const MAX_ALIGNED_CELLS = 250_000;

/** Modules of a crash's metadata that are looked at; the reporter sends 500. */
export const MAX_CLIENT_MODULES = 2_000;

/** Every bound of this package. Reaching one is a gap of the result that names it, never an exception. */

/** Dumps read from one text. */
export const MAX_DUMPS = 1000;
/** Threads of one dump. CPython prints 100; 3.15 lets the program ask for another number. */
export const MAX_THREADS = 1000;
/** Frames of one thread. CPython prints 100. */
export const MAX_FRAMES = 1000;
/** Frames of one text, over all its dumps. */
export const MAX_TEXT_FRAMES = 200_000;
/** Frames of one C stack. CPython prints 32. */
export const MAX_C_FRAMES = 256;
/** Names of one "Extension modules:" line. */
export const MAX_EXTENSION_MODULES = 10_000;
/** Bytes of a line that are looked at; CPython's own longest frame line has about 10,060. */
export const MAX_LINE_BYTES = 1 << 20;
/** Characters of exception text kept between a fatal error and its threads. */
export const MAX_EXCEPTION_CHARS = 64 * 1024;
/** Lines of foreign text in a row after which a dump counts as over. */
export const MAX_NOISE_LINES = 1000;
/** Prefixes (writers) whose dumps are followed at the same time. */
export const MAX_STREAMS = 8;
/** Characters before a dump that may be a prefix of all its lines. */
export const MAX_PREFIX_CHARS = 1024;
/** Lines looked ahead to mend a torn line by its grammar alone. */
export const AHEAD_LINES = 4;
/** Lines looked ahead to tell a prefix from other text before a header. */
export const PREFIX_LINES = 32;
/** Lines looked ahead to mend a line that known foreign text tore: there may be one after every word. */
export const MEND_LINES = 32;
/** Lines that could not be mended after which only AHEAD_LINES are looked at. */
export const MAX_FAILED_MENDS = 1000;
/** Different beginnings of foreign lines that are remembered, to find where one tore a line. */
export const MAX_FOREIGN_SHAPES = 16;
/** Torn paths of one dump that are completed, and files of its intact frames that may complete them. */
export const MAX_TORN_PATHS = 64;
export const MAX_KNOWN_FILES = 64;
/** Places in one line that are tried as the beginning of a dump, for each of its literals. */
export const MAX_STARTS_PER_LINE = 4;

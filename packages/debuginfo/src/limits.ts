/** What a hostile object file may cost, one number each; errors and gaps name them. */

/** Section headers, program headers. */
export const MAX_SECTIONS = 1_000_000;
export const MAX_SEGMENTS = 65_536;
/** One section after inflation. */
export const MAX_SECTION_BYTES = 4 * 1024 ** 3 - 1;
/** Inflated bytes for each stored byte; zlib itself cannot exceed 1032. */
export const MAX_INFLATE_RATIO = 1100;
/** Bytes of a build id; linkers write 8 to 32. */
export const MAX_BUILD_ID_BYTES = 64;
/** Bytes of one note's name and description. */
export const MAX_NOTE_BYTES = 64 * 1024;
/** Characters of a symbol, function or file name that are kept. */
export const MAX_NAME_BYTES = 16 * 1024;

/** Abbreviations in one table, attributes in one abbreviation. */
export const MAX_ABBREVIATIONS = 1_000_000;
export const MAX_ATTRIBUTES = 1_000;
/** Nesting of debug entries; deeper ones are left out. */
export const MAX_ENTRY_DEPTH = 512;
/** Steps from an entry to the one that names it (abstract origin, specification). */
export const MAX_ORIGIN_STEPS = 16;
/** Ranges of one entry. */
export const MAX_RANGES = 100_000;
/** Bytes of one range: no code is longer. */
export const MAX_RANGE_BYTES = 2 ** 32;
/** Bytes of abbreviation tables, and entries of range lists, that are read of one file for each byte of their sections. */
export const MAX_ABBREVIATION_READS = 4;
export const MAX_RANGE_READS = 4;
/** In all debug sections of one file: files and directories of line programs, bytes of names. */
export const MAX_ALL_LINE_FILES = 50_000_000;
export const MAX_ALL_NAME_BYTES = 1024 ** 3;
/** Inlined calls inside one another. */
export const MAX_INLINE_DEPTH = 256;
/** Inlined calls in one function; further ones are left out. */
export const MAX_INLINES = 200_000;
/** Steps for laying the inlined calls of a whole file flat. */
export const MAX_FLATTEN_STEPS = 2_000_000_000;
/** Files and directories of one line program. */
export const MAX_LINE_FILES = 1_000_000;
/** Rows of all line programs of one file. */
export const MAX_LINE_ROWS = 200_000_000;
/** Units of one .dwp package. */
export const MAX_PACKAGE_UNITS = 1_000_000;

/** A Breakpad `.sym` file: bytes of one line, files, functions that are inlined, damaged lines told one by one. */
export const MAX_SYM_LINE_BYTES = 4 * 1024 ** 2;
export const MAX_SYM_FILES = 4_000_000;
export const MAX_SYM_ORIGINS = 10_000_000;
export const MAX_SYM_GAPS = 20;

/** Call frame information: instructions of one function cannot cost more than these. */
export const MAX_UNWIND_REGISTER = 65_535;
export const MAX_UNWIND_RULES = 512;
export const MAX_UNWIND_OFFSET = 2 ** 40;
export const MAX_EXPRESSION_BYTES = 4096;
export const MAX_REMEMBERED_STATES = 64;
/** Bytes of rules that rows hold for each byte of unwind tables read, and of different ones that are kept. */
export const MAX_RULE_BYTES_EACH = 64;
export const MAX_KEPT_RULE_BYTES_EACH = 4;
/** Segments that are looked through for a pointer that is stored somewhere else. */
export const MAX_LOADED_SEGMENTS = 256;
/** Damaged entries of unwind tables told one by one. */
export const MAX_UNWIND_GAPS = 20;
/** Terms of one postfix expression, with those that its variables stand for. */
export const MAX_POSTFIX_TERMS = 200;

/** Members of an archive of objects. */
export const MAX_ARCHIVE_MEMBERS = 1_000_000;

/** Every bound of this package. Real files stay far below; an error caused by one names it. */

/** Largest `.pyc`, in bytes. Mapping one that is made for it takes up to thirty times that in memory. */
export const MAX_PYC_BYTES = 32 * 1024 * 1024;

/**
 * Objects inside one another. CPython's own limit is 2000, but its parser refuses brackets nested deeper than
 * 200, and a level here takes four calls: at 2000 the default stack of a process overflowed.
 */
export const MAX_DEPTH = 500;

/**
 * What a file may unfold to, as a multiple of its size, plus a fixed part. Objects may be shared by
 * reference, so that a small file can hold many code objects which all name one big table: bytes of
 * code, tables and names are counted anew for each code object that uses them.
 */
export const MAX_EXPANSION = 16;
export const MAX_EXPANSION_BASE = 4 * 1024 * 1024;

/** Code objects in one file. */
export const MAX_CODE_OBJECTS = 1 << 20;

/** Operand stack that the search for callees follows; CPython's own code stays below 300. */
export const MAX_FOLLOWED_STACK = 1024;

/** Stack slots kept at jumps, per code object, by the search for callees. */
export const MAX_KEPT_SLOTS = 1 << 16;

/** Characters of constants shown for a module (`moduleConsts`); what would not fit is null. */
export const MAX_CONSTANT_CHARS = 256 * 1024;

/** Nesting of a constant that is shown; references can nest deeper than the file itself. */
export const MAX_CONSTANT_DEPTH = 100;

/** Spans that one line is told to leave; more say no more than that it is ambiguous. */
export const MAX_CALL_SPANS = 64;

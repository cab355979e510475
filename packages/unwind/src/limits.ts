/** What a hostile stack or unwind table may cost, one number each; gaps name them. */

/** Frames of one stack: one of 8 MiB, overflown, has 87,000 of 96 bytes. */
export const MAX_FRAMES = 100_000;

/** Words that are scanned for one caller, and in one walk (1 MiB of a stack of 64 bits). */
export const SCAN_WORDS = 160;
export const MAX_SCANNED_WORDS = 131_072;
/** Pages above a stack pointer in the guard page, of 4 KiB, that are tried for the stack's beginning. */
export const MAX_GUARD_PAGES = 16;

/** Bytes of one frame, where only a register that may be a frame pointer, or a word that may be one, says how long it is. */
export const MAX_FRAME_BYTES = 1024n * 1024n;

/** Operations of one expression, of all in one walk, and values on its stack. */
export const MAX_EXPRESSION_STEPS = 1_000;
export const MAX_ALL_EXPRESSION_STEPS = 1_000_000;
export const MAX_EXPRESSION_STACK = 256;

/** Times that the stack pointer may go down through signal frames (alternate stacks) in one walk. */
export const MAX_STACK_SWITCHES = 64;
/** Signal frames in one walk: one whose rules read no memory may lead from stack to stack for ever. */
export const MAX_SIGNAL_FRAMES = 1_000;
/** Frames in a row that may share one stack pointer (functions that keep their return address in a register). */
export const MAX_FLAT_FRAMES = 4;

/** Gaps that are kept. */
export const MAX_GAPS = 100;

/**
 * Recursion in a list of tokens. Endless recursion dies at a depth and a point of its cycle that
 * differ every time, so only the set of what takes part in it can name it.
 */

/** Longest block of calls that counts as one turn of a recursion. */
const MAX_PERIOD = 8;
/** Turns that make a recursion an overflow rather than a deep call. */
const MIN_TURNS = 6;
/** The same for what shows of Python in C, where one turn takes a dozen frames and walks stop. */
export const MIN_NATIVE_TURNS = 4;
/** The same where the name of what repeats may be that of something else. */
export const MIN_UNSURE_TURNS = 16;
/** The same where only the library of a call is known: a deep call inside one library is nothing unusual. */
export const MIN_UNNAMED_TURNS = 32;
/** Calls at the crash that need not belong to the cycle: where the last turn happened to end. */
const MAX_LEAF_CALLS = 16;
/** Calls below which an irregular recursion (a visitor over a tree) is taken for a deep call. */
const MIN_IRREGULAR_CALLS = 64;
/** Share of those calls that few tokens must hold, and share that makes a token one of them. */
const IRREGULAR_SHARE = 0.8;
const MEMBER_SHARE = 0.1;

export interface Cycle {
  readonly tokens: ReadonlySet<string>;
  /** False where the calls repeat without a fixed block, and the set is a matter of degree. */
  readonly regular: boolean;
}

/**
 * The cycle near the top of `tokens` (nearest the crash first), null when there is none.
 * Time: 8 comparisons a token.
 */
export function findCycle(tokens: readonly string[], turns = MIN_TURNS): Cycle | null {
  for (let period = 1; period <= MAX_PERIOD; period++) {
    const start = repeatedBlock(tokens, period, turns);
    if (start >= 0) return { tokens: new Set(tokens.slice(start, start + period)), regular: true };
  }
  return irregular(tokens);
}

/** Where a block of `period` tokens that is repeated often enough begins; -1: nowhere. */
function repeatedBlock(tokens: readonly string[], period: number, turns: number): number {
  const wanted = period * (turns - 1);
  let equal = 0;
  for (let index = 0; index + period < tokens.length; index++) {
    equal = tokens[index] === tokens[index + period] ? equal + 1 : 0;
    const start = index - equal + 1;
    if (equal === wanted) return start;
    if (equal === 0 && index >= MAX_LEAF_CALLS) return -1;
  }
  return -1;
}

function irregular(tokens: readonly string[]): Cycle | null {
  if (tokens.length < MIN_IRREGULAR_CALLS) return null;
  const counts = new Map<string, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  const least = Math.max(MIN_TURNS, tokens.length * MEMBER_SHARE);
  const members = [...counts].filter(([, count]) => count >= least);
  const held = members.reduce((sum, [, count]) => sum + count, 0);
  if (held < tokens.length * IRREGULAR_SHARE) return null;
  return { tokens: new Set(members.map(([token]) => token)), regular: false };
}

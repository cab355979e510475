/** Which known word a mistyped one was meant to be. */

/** Edits (insert, delete, replace one letter) between two words: Wagner–Fischer, one row at a time. */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

const MOST_EDITS = 2;
/** Longer words are nobody's slip. */
const LONGEST_WORD = 40;

/** The known words that `word` begins, else those it is few edits away from, nearest first. */
export function closest(word: string, known: readonly string[]): readonly string[] {
  if (word.length > LONGEST_WORD) return [];
  const begun = known.filter((name) => name.startsWith(word));
  if (begun.length > 0) return begun;
  return known
    .map((name) => ({ name, edits: editDistance(word, name) }))
    .filter((near) => near.edits <= MOST_EDITS)
    .toSorted((a, b) => a.edits - b.edits)
    .map((near) => near.name);
}

/** Finds the unwind rules at an address: a binary search over pieces, then at most PIECE_ROWS rows are stepped over. */
import { LebReader } from "../cache/leb-reader.ts";
import { lastAtOrBelow } from "../cache/search.ts";
import { decodeRules, type RuleSet } from "./rule-codec.ts";
import type { UnwindRules } from "./rules.ts";
import { NO_RULES, PIECE_ROWS } from "./unwind-table.ts";

/** `index`, `rows` and `rules` as an UnwindTable makes them. Sets of rules are decoded once. */
export function unwindLookup(
  index: Uint32Array,
  rows: Uint8Array,
  rules: Uint8Array,
): (relative: number) => UnwindRules | null {
  const count = index.length >>> 1;
  const reader = new LebReader(rows);
  const decoded = new Map<number, RuleSet | null>();
  const ruleSet = (offset: number): RuleSet | null => {
    const known = decoded.get(offset);
    if (known !== undefined) return known;
    const read = decodeRules(rules, offset);
    decoded.set(offset, read);
    return read;
  };
  return (relative) => {
    const piece = lastAtOrBelow(index, count, relative);
    if (piece === -1) return null;
    let rowStart = index[piece] as number;
    reader.at = index[count + piece] as number;
    const start = rowStart - reader.uleb();
    const end = rowStart + reader.uleb();
    if (relative >= end) return null;
    const rowCount = Math.min(reader.uleb(), PIECE_ROWS);
    let offset = reader.uleb();
    for (let left = rowCount - 1; left > 0; left -= 1) {
      const next = rowStart + reader.uleb();
      if (next > relative) break;
      rowStart = next;
      offset = reader.uleb();
    }
    const found = offset === NO_RULES ? null : ruleSet(offset);
    return found === null ? null : { ...found, start, end, rowStart };
  };
}

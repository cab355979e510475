/** Counts and lists in words. */
import { MAX_TEXT_NAMES } from "../limits.ts";

/** The first names, and how many are left. */
export function listed(names: Iterable<string>): string {
  const all = [...names];
  const shown = all.slice(0, MAX_TEXT_NAMES).join(", ");
  return all.length > MAX_TEXT_NAMES ? `${shown} and ${all.length - MAX_TEXT_NAMES} more` : shown;
}

/** "1 frame", "3 frames". */
export const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? "" : "s"}`;

/**
 * What reading the debug sections of one file may cost in all. Entries are small and may all point at the same
 * big list, table or string, so a limit on each use alone would leave their number squared.
 */
import { DebugInfoError } from "../error.ts";
import {
  MAX_ALL_ABBREVIATIONS,
  MAX_ALL_LINE_FILES,
  MAX_ALL_NAME_BYTES,
  MAX_ALL_RANGES,
} from "../limits.ts";

const limits = {
  MAX_ALL_ABBREVIATIONS,
  MAX_ALL_LINE_FILES,
  MAX_ALL_NAME_BYTES,
  MAX_ALL_RANGES,
} as const;

export class Budget {
  private readonly spent = {
    MAX_ALL_ABBREVIATIONS: 0,
    MAX_ALL_LINE_FILES: 0,
    MAX_ALL_NAME_BYTES: 0,
    MAX_ALL_RANGES: 0,
  };

  /** Throws DebugInfoError `limit` once more has been spent than the file may cost. */
  spend(what: keyof typeof limits, amount: number): void {
    this.spent[what] += amount;
    if (this.spent[what] > limits[what])
      throw new DebugInfoError("limit", `debug sections: more than ${what} (${limits[what]})`);
  }
}

/**
 * What reading the debug sections of one file may cost in all. Entries are small and may all point at the same
 * big list, table or string, so a limit on each use alone would leave their number squared.
 */
import { DebugInfoError } from "../error.ts";
import {
  MAX_ABBREVIATION_READS,
  MAX_ALL_LINE_FILES,
  MAX_ALL_NAME_BYTES,
  MAX_RANGE_READS,
} from "../limits.ts";

const limits = {
  /** Times the bytes of the section. */
  MAX_ABBREVIATION_READS,
  MAX_RANGE_READS,
  MAX_ALL_LINE_FILES,
  MAX_ALL_NAME_BYTES,
} as const;

type Limit = keyof typeof limits;

export class Budget {
  private readonly left: Record<Limit, number>;

  /** Sizes of the file's abbreviation and range list sections. */
  constructor(abbreviationBytes: number, rangeBytes: number) {
    this.left = {
      ...limits,
      MAX_ABBREVIATION_READS: MAX_ABBREVIATION_READS * abbreviationBytes,
      MAX_RANGE_READS: MAX_RANGE_READS * rangeBytes,
    };
  }

  /** Throws DebugInfoError `limit` once more has been spent than the file may cost. */
  spend(what: Limit, amount: number): void {
    this.left[what] -= amount;
    if (this.left[what] < 0)
      throw new DebugInfoError("limit", `debug sections: more read than ${what} (${limits[what]})`);
  }
}

/** A Python frame before the release's files are asked: as printed, or read from memory. */
import type { TextFrame } from "@faultline/faulthandler";
import type { Position } from "@faultline/pyc";

/** What memory tells of a frame beside what faulthandler prints; null: it could not be read. */
export interface MemoryFacts {
  /** Null before 3.11. */
  readonly qualname: string | null;
  readonly firstLine: number | null;
  /** Of the instruction that runs: with columns from 3.11 on. */
  readonly position: Position;
}

export interface KnownFrame extends TextFrame {
  readonly memory?: MemoryFacts;
}

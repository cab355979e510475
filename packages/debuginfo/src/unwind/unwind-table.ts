/**
 * Unwind tables of one object under construction: functions in any order, each with its rows.
 *
 * A row is where rules begin to hold; the same set of rules is stored once. Of two functions that begin at
 * one address the first to come counts; where they overlap, the one that begins nearest below an address does.
 */
import { BlockTable } from "../cache/block-table.ts";
import { ByteSink } from "../cache/byte-sink.ts";
import { MAX_KEPT_RULE_BYTES_EACH, MAX_RULE_BYTES_EACH } from "../limits.ts";
import { encodeRules, type FrameFacts } from "./rule-codec.ts";
import type { CfaRule } from "./rules.ts";
import type { RuleState } from "./rule-state.ts";

/** Rows of one piece: what a lookup steps over at most. */
export const PIECE_ROWS = 32;
/** Stands for rules that are not known. */
export const NO_RULES = 0;

/** What is read counts as at least so many bytes: a small table may have rules of many registers in few rows. */
const SMALL_SOURCE = 64 * 1024;

/** Addresses beyond this distance from the load base have no place in a cache. */
const MAX_RELATIVE = 0xffff_fffe;

export interface UnwindSections {
  /** First address of each piece, ascending, and its offset into `rows`; flat pairs. */
  readonly index: readonly number[];
  readonly rows: Uint8Array;
  readonly rules: Uint8Array;
}

export class UnwindTable {
  private readonly loadBase: number;
  /** Starts of functions. */
  private readonly known = new Set<number>();
  /** Of pieces. */
  private readonly starts: number[] = [];
  private readonly offsets: number[] = [];
  private readonly rows = new ByteSink();
  private readonly rules = new BlockTable();
  private readonly scratch = new ByteSink(1024);
  /** Bytes that the rules of rows may still have, and those of different rules. */
  private left: number;
  private leftToKeep: number;
  /** The function under way, relative to the load base, and the rows of its last piece. */
  private start = 0;
  private end = 0;
  private readonly pieceStarts: number[] = [];
  private readonly pieceRules: number[] = [];
  private last = NO_RULES;

  /** `sourceBytes`: of what the tables are read from. */
  constructor(loadBase: number, sourceBytes: number) {
    this.loadBase = loadBase;
    this.left = Math.max(sourceBytes, SMALL_SOURCE) * MAX_RULE_BYTES_EACH;
    this.leftToKeep = Math.max(sourceBytes, SMALL_SOURCE) * MAX_KEPT_RULE_BYTES_EACH;
    this.scratch.u8(0);
    this.rules.add(this.scratch); // offset 0 is NO_RULES
  }

  /** Opens a function [start, end); false when it is known already, or does not lie where a cache reaches. */
  begin(start: number, end: number): boolean {
    this.start = start - this.loadBase;
    this.end = end - this.loadBase;
    this.last = NO_RULES;
    if (this.start < 0 || this.end <= this.start || this.end > MAX_RELATIVE) return false;
    if (this.known.has(this.start)) return false;
    this.known.add(this.start);
    return true;
  }

  /** Says that `state` holds from `address` on; rows come by ascending address. */
  add(address: number, state: RuleState, facts: FrameFacts): void {
    this.addRow(address, state.cfa === null ? NO_RULES : this.intern(state.cfa, state, facts));
  }

  /** Says that from `address` on no rules are known. */
  addUnknown(address: number): void {
    this.addRow(address, NO_RULES);
  }

  /** Closes the function under way. */
  close(): void {
    if (this.pieceStarts.length > 0) this.flush();
  }

  finish(): UnwindSections {
    const { starts, offsets } = this;
    const order = Uint32Array.from(starts, (_, at) => at).sort(
      (a, b) => (starts[a] as number) - (starts[b] as number) || a - b,
    );
    const kept = order.filter(
      (at, index) => index === 0 || starts[at] !== starts[order[index - 1] as number],
    );
    const index: number[] = [];
    for (const at of kept) index.push(starts[at] as number, offsets[at] as number);
    return { index, rows: this.rows.view(), rules: this.rules.bytes() };
  }

  /** What was left out, in words. */
  gaps(): readonly string[] {
    return this.isSpent()
      ? [
          `unwind tables: rules beyond MAX_RULE_BYTES_EACH (${MAX_RULE_BYTES_EACH}) or MAX_KEPT_RULE_BYTES_EACH (${MAX_KEPT_RULE_BYTES_EACH}) left out`,
        ]
      : [];
  }

  private isSpent(): boolean {
    return this.left < 0 || this.leftToKeep < 0;
  }

  private addRow(address: number, rules: number): void {
    const relative = address - this.loadBase;
    if (relative >= this.end || rules === this.last) return;
    this.last = rules;
    if (this.pieceStarts.length === PIECE_ROWS) this.flush();
    this.pieceStarts.push(relative);
    this.pieceRules.push(rules);
  }

  private intern(cfa: CfaRule, state: RuleState, facts: FrameFacts): number {
    const { scratch, rules } = this;
    if (this.isSpent()) return NO_RULES;
    scratch.length = 0;
    encodeRules(cfa, state, facts, scratch);
    this.left -= scratch.length;
    const known = rules.length;
    const id = rules.add(scratch);
    this.leftToKeep -= rules.length - known;
    return id;
  }

  private flush(): void {
    const { rows, pieceStarts, pieceRules } = this;
    const first = pieceStarts[0] as number;
    this.starts.push(first);
    this.offsets.push(rows.length);
    rows.uleb(first - this.start);
    rows.uleb(this.end - first);
    rows.uleb(pieceStarts.length);
    rows.uleb(pieceRules[0] as number);
    for (let at = 1; at < pieceStarts.length; at += 1) {
      rows.uleb((pieceStarts[at] as number) - (pieceStarts[at - 1] as number));
      rows.uleb(pieceRules[at] as number);
    }
    pieceStarts.length = 0;
    pieceRules.length = 0;
  }
}

/** Line records of one function, in any order, as a line table. */
import type { LineTable } from "../dwarf/line-table.ts";

/** Numbers a record: start, end, file, line. */
const WIDTH = 4;

export class FunctionLines {
  private records: number[] = [];
  private inOrder = true;

  add(start: number, end: number, file: number, line: number): void {
    const { records } = this;
    if (records.length > 0 && start < (records[records.length - WIDTH] as number))
      this.inOrder = false;
    records.push(start, end, file, line);
  }

  /** The records by start, the earlier keeping what two of them claim */
  finish(): LineTable {
    const { records } = this;
    const order = Array.from({ length: records.length / WIDTH }, (_, index) => index * WIDTH);
    if (!this.inOrder)
      order.sort((a, b) => (records[a] as number) - (records[b] as number) || a - b);
    const starts = new Float64Array(order.length);
    const ends = new Float64Array(order.length);
    const files = new Uint32Array(order.length);
    const lines = new Uint32Array(order.length);
    let count = 0;
    let covered = 0;
    for (const at of order) {
      const end = records[at + 1] as number;
      if (end <= covered) continue;
      starts[count] = Math.max(records[at] as number, covered);
      ends[count] = end;
      files[count] = records[at + 2] as number;
      lines[count] = records[at + 3] as number;
      count += 1;
      covered = end;
    }
    return { count, starts, ends, files, lines, columns: new Uint16Array(order.length) };
  }

  clear(): void {
    this.records = [];
    this.inOrder = true;
  }
}

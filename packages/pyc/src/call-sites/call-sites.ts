/** The instructions of a file that can enter Python functions, as columns; those of a code object side by side. */

const FIRST_CAPACITY = 256;

export class CallSites {
  /** Run of the instruction, as an index into all runs of the file. */
  runs = new Int32Array(FIRST_CAPACITY);
  /** SiteKind */
  kinds = new Uint8Array(FIRST_CAPACITY);
  /** Id of the str that names what is called or the attribute; 0: not known, or none. */
  names = new Int32Array(FIRST_CAPACITY);
  count = 0;

  /** Makes room for `more` sites: `add` does not. */
  reserve(more: number): void {
    const needed = this.count + more;
    if (needed <= this.runs.length) return;
    const capacity = Math.max(needed, this.runs.length * 2);
    const runs = new Int32Array(capacity);
    const kinds = new Uint8Array(capacity);
    const names = new Int32Array(capacity);
    runs.set(this.runs);
    kinds.set(this.kinds);
    names.set(this.names);
    this.runs = runs;
    this.kinds = kinds;
    this.names = names;
  }

  /** Index of the site. */
  add(run: number, kind: number, name: number): number {
    const index = this.count;
    this.runs[index] = run;
    this.kinds[index] = kind;
    this.names[index] = name;
    this.count = index + 1;
    return index;
  }
}

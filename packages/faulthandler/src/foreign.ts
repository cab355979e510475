/**
 * What other writers' lines look like, learnt from those that stand between the dump's own.
 *
 * faulthandler writes token by token, so that a line of another writer can stand in the middle of one
 * of its own: `  File "/srv/app.py", line 26[spam] request 1699 served`, and ` in level3` on the next.
 * Where the foreign text begins can be told from its beginning alone, digits aside.
 */
import { MAX_FOREIGN_SHAPES } from "./limits.ts";

const SHAPE_CHARS = 8;
const MIN_SHAPE_CHARS = 4;

export class ForeignText {
  /** Beginnings of foreign lines, digits as 0; the oldest first. */
  readonly #shapes = new Set<string>();

  /** Learns from a whole line of another writer. */
  learn(text: string): void {
    const shape = shapeOf(text.slice(0, SHAPE_CHARS));
    // Source lines and frames of tracebacks are indented, as our own lines are.
    if (shape.length < MIN_SHAPE_CHARS || shape.startsWith(" ") || this.#shapes.has(shape)) return;
    if (this.#shapes.size >= MAX_FOREIGN_SHAPES) {
      const [oldest] = this.#shapes;
      if (oldest !== undefined) this.#shapes.delete(oldest);
    }
    this.#shapes.add(shape);
  }

  /** Where foreign text begins in a line, -1 when it holds none that is known. */
  begin(text: string): number {
    if (this.#shapes.size === 0) return -1;
    const shaped = shapeOf(text);
    let first = -1;
    for (const shape of this.#shapes) {
      const at = shaped.indexOf(shape);
      if (at >= 0 && (first < 0 || at < first)) first = at;
    }
    return first;
  }
}

const shapeOf = (text: string): string => text.replace(/\d/g, "0");

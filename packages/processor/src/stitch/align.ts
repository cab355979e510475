/**
 * Python frames in a row laid over activations in a row: at each seam between two frames the next
 * activation begins, or does not. All ways that are possible, or all best ones, at once.
 */
import type { Seam } from "./seams.ts";

export interface Rows {
  /** Between each two neighbours of the frames, from the innermost on. */
  readonly seams: readonly Seam[];
  /** Activations; the innermost frame belongs to the first. */
  readonly activations: number;
  /** How well seam `seam` fits as the end of activation `activation`. */
  readonly score: (activation: number, seam: number) => number;
  /** All frames are there: the outermost one belongs to the last activation, or to one beyond. */
  readonly framesComplete: boolean;
  /** All activations are there: frames belong to no other. */
  readonly activationsComplete: boolean;
}

/** For each activation, first and last frame that it may end with, over all best ways. */
export interface Ends {
  readonly first: readonly number[];
  readonly last: readonly number[];
}

const NEVER = -(2 ** 30);

/** Scores are small: what is reached is far above NEVER. */
const plus = (one: number, other: number): number =>
  one === NEVER || other === NEVER ? NEVER : one + other;

/** Null where no way is possible. */
export function align(rows: Rows): Ends | null {
  const table = new Table(rows);
  if (table.best === NEVER) return null;
  const first: number[] = [];
  const last: number[] = [];
  for (let activation = 0; activation < rows.activations; activation++) {
    const ends = table.endsOf(activation);
    if (ends.length === 0) break;
    first.push(ends[0]!);
    last.push(ends.at(-1)!);
  }
  return { first, last };
}

/** Best sums of scores to and from each frame in each activation. */
class Table {
  readonly best: number;
  readonly #rows: Rows;
  /** Activations, and one for those that are missing. */
  readonly #width: number;
  readonly #frames: number;
  readonly #to: Int32Array;
  readonly #from: Int32Array;

  constructor(rows: Rows) {
    this.#rows = rows;
    this.#width = rows.activations + 1;
    this.#frames = rows.seams.length + 1;
    this.#to = new Int32Array(this.#width * this.#frames).fill(NEVER);
    this.#from = new Int32Array(this.#width * this.#frames).fill(NEVER);
    this.#fillTo();
    this.best = this.#fillFrom();
  }

  /** Frames that `activation` ends with in some best way, ascending. */
  endsOf(activation: number): number[] {
    const ends: number[] = [];
    const last = this.#frames - 1;
    for (let frame = 0; frame < last; frame++) {
      const next = this.#from[this.#at(frame + 1, activation + 1)]!;
      const step = plus(this.#step(frame, activation), next);
      if (plus(this.#to[this.#at(frame, activation)]!, step) === this.best) ends.push(frame);
    }
    const isEnd = this.#mayEndIn(activation) && this.#to[this.#at(last, activation)] === this.best;
    if (isEnd) ends.push(last);
    return ends;
  }

  #fillTo(): void {
    this.#to[0] = 0;
    for (let frame = 0; frame + 1 < this.#frames; frame++) {
      // Frame n lies at most in activation n.
      for (let activation = 0; activation <= Math.min(frame, this.#width - 1); activation++) {
        const sum = this.#to[this.#at(frame, activation)]!;
        if (this.#mayStay(frame, activation)) this.#raise(frame + 1, activation, sum);
        const next = plus(sum, this.#step(frame, activation));
        if (next !== NEVER) this.#raise(frame + 1, activation + 1, next);
      }
    }
  }

  #raise(frame: number, activation: number, sum: number): void {
    const at = this.#at(frame, activation);
    this.#to[at] = Math.max(this.#to[at]!, sum);
  }

  #fillFrom(): number {
    const last = this.#frames - 1;
    for (let activation = 0; activation < this.#width; activation++) {
      if (this.#mayEndIn(activation)) this.#from[this.#at(last, activation)] = 0;
    }
    for (let frame = last - 1; frame >= 0; frame--) {
      for (let activation = 0; activation <= Math.min(frame, this.#width - 1); activation++) {
        const stay = this.#mayStay(frame, activation)
          ? this.#from[this.#at(frame + 1, activation)]!
          : NEVER;
        const step = this.#step(frame, activation);
        const next = plus(step, this.#from[this.#at(frame + 1, activation + 1)] ?? NEVER);
        this.#from[this.#at(frame, activation)] = Math.max(stay, next);
      }
    }
    return this.#from[0]!;
  }

  #mayStay(seam: number, activation: number): boolean {
    return this.#rows.seams[seam] !== "always" || activation === this.#rows.activations;
  }

  /** Score of going on to the next activation at the seam behind `frame`. */
  #step(frame: number, activation: number): number {
    const { seams, activations, activationsComplete, score } = this.#rows;
    if (seams[frame] === "never" || activation >= activations) return NEVER;
    if (activation + 1 === activations) return activationsComplete ? NEVER : 0;
    return score(activation, frame);
  }

  #mayEndIn(activation: number): boolean {
    const { activations, framesComplete, activationsComplete } = this.#rows;
    if (activation === activations) return !activationsComplete;
    return !framesComplete || activation === activations - 1;
  }

  #at(frame: number, activation: number): number {
    return frame * this.#width + activation;
  }
}

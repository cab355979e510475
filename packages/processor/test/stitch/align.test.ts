import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { align, type Rows } from "../../src/stitch/align.ts";
import type { Seam } from "../../src/stitch/seams.ts";

interface Way {
  /** Last frame of each activation that has frames, but of those beyond the known ones. */
  readonly ends: readonly number[];
  readonly score: number;
}

/** Every way to go through the seams, one after the other. */
function allWays(rows: Rows): Way[] {
  const { seams, activations, framesComplete, activationsComplete } = rows;
  let ways: { at: number; ends: readonly number[]; score: number }[] = [
    { at: 0, ends: [], score: 0 },
  ];
  for (const [seam, kind] of seams.entries()) {
    ways = ways.flatMap((way) => {
      const beyond = way.at === activations;
      const stay = kind !== "always" || beyond ? [way] : [];
      const mayGo = kind !== "never" && (way.at + 1 < activations || !activationsComplete);
      if (beyond || !mayGo) return stay;
      const known = way.at + 1 < activations;
      const score = way.score + (known ? rows.score(way.at, seam) : 0);
      return [...stay, { at: way.at + 1, ends: [...way.ends, seam], score }];
    });
  }
  return ways
    .filter(({ at }) => !framesComplete || at >= activations - 1)
    .map(({ at, ends, score }) => ({
      ends: at < activations ? [...ends, seams.length] : ends,
      score,
    }));
}

const aSeam = fc.constantFrom<Seam>("always", "never", "open", "open", "open");

test("first and last ends are those over all best ways", () => {
  fc.assert(
    fc.property(
      fc.array(aSeam, { maxLength: 7 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.integer({ min: -1, max: 2 }), { minLength: 64, maxLength: 64 }),
      fc.boolean(),
      fc.boolean(),
      (seams, activations, scores, framesComplete, activationsComplete) => {
        const score = (activation: number, seam: number): number => scores[activation * 8 + seam]!;
        const rows = { seams, activations, score, framesComplete, activationsComplete };
        const ways = allWays(rows);
        const best = Math.max(...ways.map((way) => way.score));
        const ends = ways.filter((way) => way.score === best).map((way) => way.ends);
        const used = Math.max(0, ...ends.map((list) => list.length));
        const columns = Array.from({ length: used }, (_, activation) =>
          ends.flatMap((list) => list.slice(activation, activation + 1)),
        );
        const bounds = {
          first: columns.map((list) => Math.min(...list)),
          last: columns.map((list) => Math.max(...list)),
        };
        expect(align(rows)).toEqual(ways.length === 0 ? null : bounds);
      },
    ),
    { numRuns: 500 },
  );
});

describe("frames over activations", () => {
  const rows = (seams: readonly Seam[], activations: number, more: Partial<Rows> = {}): Rows => ({
    seams,
    activations,
    score: () => 0,
    framesComplete: true,
    activationsComplete: true,
    ...more,
  });

  test("the seams that must be cut are as many as there have to be: one way", () => {
    expect(align(rows(["open", "always", "open"], 2))).toEqual({ first: [1, 3], last: [1, 3] });
    expect(align(rows(["never", "open", "never"], 2))).toEqual({ first: [1, 3], last: [1, 3] });
  });

  test("more cuts than activations are impossible", () => {
    expect(align(rows(["always", "always"], 2))).toBeNull();
    expect(align(rows(["never"], 2))).toBeNull();
  });

  test("a score decides where seams do not", () => {
    const score = (_: number, seam: number): number => (seam === 2 ? 2 : 0);
    expect(align(rows(["open", "open", "open"], 2, { score }))).toEqual({
      first: [2, 3],
      last: [2, 3],
    });
  });

  test("of frames that are cut the outer end may be anywhere", () => {
    const cut = { framesComplete: false };
    expect(align(rows(["always", "never"], 5, cut))).toEqual({ first: [0, 2], last: [0, 2] });
    expect(align(rows(["open"], 5, cut))).toEqual({ first: [0, 1], last: [1, 1] });
  });
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { planPlacements, type KeyAnswer, type Standing } from "../src/index.ts";

const standing = (id: number, parentId: number | null = null, free = true): Standing => ({
  mid: `k${id}`,
  id,
  parentId,
  free,
});
const answer = (id: number, into: number | null): KeyAnswer => ({
  mid: `k${id}`,
  into: into === null ? null : `k${into}`,
});

test("to the end of the way, those that stand apart first", () => {
  const standings = [standing(1), standing(2), standing(3), standing(4, 3), standing(5, 3)];
  const answers = [answer(1, 2), answer(2, 3), answer(3, null), answer(4, null), answer(5, 4)];
  expect(planPlacements(standings, answers)).toEqual([
    { id: 4, into: null },
    { id: 1, into: 3 },
    { id: 2, into: 3 },
    { id: 5, into: 4 },
  ]);
});

test("those that go round in a circle, and what comes to it, are shown in the oldest of them", () => {
  const standings = [standing(1), standing(4), standing(3), standing(2)];
  const answers = [answer(1, 4), answer(4, 3), answer(3, 2), answer(2, 4)];
  expect(planPlacements(standings, answers)).toEqual([
    { id: 1, into: 2 },
    { id: 3, into: 2 },
    { id: 4, into: 2 },
  ]);
});

test("what a user placed is the end of the way", () => {
  const standings = [standing(1), standing(2, 9, false), standing(3, null, false)];
  expect(planPlacements(standings, [answer(1, 2), answer(2, 3), answer(3, 1)])).toEqual([
    { id: 1, into: 9 },
  ]);
});

test("whatever the answers: after the plan every group is shown in one that is shown, and there is no other plan", () => {
  const ids = [1, 2, 3, 4, 5, 6, 7, 8];
  const next = fc.option(fc.constantFrom(...ids));
  const ways = fc.array(next, { minLength: ids.length, maxLength: ids.length });
  const first = fc.array(fc.boolean(), { minLength: ids.length, maxLength: ids.length });
  fc.assert(
    fc.property(ways, ways, first, (before, after, free) => {
      const answersOf = (way: readonly (number | null)[]) =>
        ids.map((id, index) => answer(id, way[index] ?? null));
      const carriedOut = (from: readonly Standing[], way: readonly (number | null)[]) => {
        const parents = new Map(from.map(({ id, parentId }) => [id, parentId]));
        for (const { id, into } of planPlacements(from, answersOf(way))) {
          expect(into === null ? null : parents.get(into)).toBe(null);
          parents.set(id, into);
          for (const [child, parent] of parents)
            if (parent === id && into !== null) parents.set(child, into);
        }
        return from.map((one) => ({ ...one, parentId: parents.get(one.id) ?? null }));
      };
      const placed = carriedOut(
        ids.map((id) => standing(id)),
        before,
      );
      const now = placed.map((one, index) => ({ ...one, free: free[index] ?? true }));
      const then = carriedOut(now, after);
      const shown = new Set(then.filter(({ parentId }) => parentId === null).map(({ id }) => id));
      expect(then.every(({ parentId }) => parentId === null || shown.has(parentId))).toBe(true);
      const settled = now.filter(({ free: may, parentId }) => !may && parentId === null);
      expect(settled.every(({ id }) => shown.has(id))).toBe(true);
      expect(planPlacements(then, answersOf(after))).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

/** Which groups are to be shown in which others, by where their crashes go: pure, over how they stand now. */

/** Where the crashes of a key go among all others'. */
export interface KeyAnswer {
  readonly mid: string;
  /** The key that nearly all of them belong under; null: there is no such but their own. */
  readonly into: string | null;
}

/** How the group of a key stands. */
export interface Standing {
  readonly mid: string;
  readonly id: number;
  /** The group that shows it; null: it is shown. */
  readonly parentId: number | null;
  /** It may be shown elsewhere: no user, and no crash that left it, has put it where it is. */
  readonly free: boolean;
}

/** A group that is to be shown elsewhere than it is; `into` null: by itself. */
export interface Placement {
  readonly id: number;
  readonly into: number | null;
}

/**
 * What is to change: first those that are to stand by themselves, so that every `into` of the others is shown when its
 * turn comes. A group that goes to one that goes elsewhere goes there, too; of several that go round in a circle, the
 * oldest of those that may be moved shows the others. One whose crashes belong to it alone stays where it was put if nothing is known any more of
 * the group that shows it.
 */
export function planPlacements(
  standings: readonly Standing[],
  answers: readonly KeyAnswer[],
): readonly Placement[] {
  const byMid = new Map(standings.map((standing) => [standing.mid, standing]));
  const byId = new Map(standings.map((standing) => [standing.id, standing]));
  const wanted = new Map<number, number>();
  for (const { mid, into } of answers) {
    const [group, target] = [byMid.get(mid), into === null ? undefined : byMid.get(into)];
    if (group !== undefined && target !== undefined) wanted.set(group.id, target.id);
  }
  const nextOf = ({ id, parentId, free }: Standing): number => {
    if (!free) return parentId ?? id;
    const known = parentId === null || byId.has(parentId);
    return wanted.get(id) ?? (known ? id : parentId);
  };
  const roots = rootsOf(byId, nextOf);
  const placements = standings
    .filter(({ id, parentId, free }) => free && roots.get(id) !== (parentId ?? id))
    .map(({ id }) => ({ id, into: roots.get(id) === id ? null : (roots.get(id) ?? null) }))
    .toSorted((a, b) => a.id - b.id);
  const alone = placements.filter(({ into }) => into === null);
  return [...alone, ...placements.filter(({ into }) => into !== null)];
}

/** Where each ends that goes from group to group. */
function rootsOf(
  byId: ReadonlyMap<number, Standing>,
  nextOf: (standing: Standing) => number,
): ReadonlyMap<number, number> {
  const roots = new Map<number, number>();
  for (const start of byId.keys()) {
    const path: number[] = [];
    let at = start;
    let root: number | undefined;
    while (root === undefined) {
      const standing = byId.get(at);
      const next = standing === undefined ? at : nextOf(standing);
      const seen = path.indexOf(at);
      if (roots.has(at)) root = roots.get(at);
      else if (next === at) root = at;
      else if (seen !== -1) root = Math.min(...path.slice(seen).filter((id) => byId.get(id)?.free));
      path.push(at);
      at = next;
    }
    for (const id of path) roots.set(id, root);
  }
  return roots;
}

/** Which crashes have their turn: the newest of each group first, then the newest. */
import {
  findDueCrashes,
  findFirstOfGroups,
  type DueCrash,
  type Queryable,
  type RunningRepair,
} from "@faultline/shared";
import { REPAIR_LOOK_AHEAD } from "../limits.ts";

/**
 * Nothing of it is kept but in memory: a crash whose turn is over is no longer due, so whoever begins anew goes on
 * where it stopped.
 */
export class Pass {
  readonly #known = new Set<number>();
  #first: DueCrash[] = [];
  #before: string | null = null;

  /** The next crashes of these repairs, at most `most`; none when no crash is left. */
  async next(
    db: Queryable,
    repairs: readonly RunningRepair[],
    most: number,
  ): Promise<readonly DueCrash[]> {
    await this.#begin(db, repairs);
    if (this.#first.length > 0) return this.#first.splice(0, most);
    const found = await findDueCrashes(db, repairs, this.#before, most);
    const again = found.length === 0 && this.#before !== null;
    this.#before = found.at(-1)?.id ?? null;
    // crashes that became due behind the place that was reached
    return again ? await findDueCrashes(db, repairs, null, most) : found;
  }

  /** When a repair joins those under way, the first crashes of all groups are looked at before they go on. */
  async #begin(db: Queryable, repairs: readonly RunningRepair[]): Promise<void> {
    if (repairs.every(({ id }) => this.#known.has(id))) return;
    for (const { id } of repairs) this.#known.add(id);
    this.#first = [...(await findFirstOfGroups(db, repairs, REPAIR_LOOK_AHEAD))];
    this.#before = null;
  }
}

/**
 * Functions of installed packages where their files do not tell: PyInstaller and zip applications keep packages beside
 * the program's own modules. Other crashes of the fleet saw the same packages where they are installed.
 */
import { Tally } from "./counts.ts";
import type { OwnFunction } from "./evidence.ts";
import type { SeenSighting } from "./sightings.ts";

/** The same sightings; what is known to be a package's function is none of the program's. */
export function withoutInstalled(seen: readonly SeenSighting[]): readonly SeenSighting[] {
  const uses = new Tally();
  for (const { sighting, times } of seen) {
    const { called, own } = sighting.evidence;
    if (called !== null) uses.add(packageOf(called), "installed", times);
    for (const name of new Set(own.map(({ unit }) => packageOf(unit))))
      uses.add(name, "own", times);
  }
  const isInstalled = ({ unit }: OwnFunction): boolean =>
    uses.firstOf(packageOf(unit)) === "installed";
  return seen.map((one) => {
    const { evidence } = one.sighting;
    const own = evidence.own.filter((each) => !isInstalled(each));
    if (own.length === evidence.own.length) return one;
    const inner = evidence.own.findIndex((each) => !isInstalled(each));
    const called = inner === 0 ? evidence.called : (evidence.own.at(inner - 1)?.unit ?? null);
    const instead = own.length === 0 ? evidence.own.map(({ unit }) => unit) : evidence.instead;
    return {
      ...one,
      sighting: { ...one.sighting, evidence: { ...evidence, own, called, instead } },
    };
  });
}

const packageOf = (unit: string): string => /^[^.:]*/.exec(unit)?.[0] ?? "";

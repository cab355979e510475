/**
 * A fleet that runs one program with known bugs, for measuring how well crashes of one bug end in
 * one group. Written from real stacks (gdb's of CPython 3.8 to 3.13, faulthandler's, fuzzers') and
 * from what such fleets do, never from the rules of the algorithm: its names of wrappers, packages
 * and objects are its own.
 */
import { abortion, assertion, badAccess, illegalInstruction } from "./bugs-native.ts";
import { busyHang, nativeOverflow, pythonOverflow, waitingHang } from "./bugs-loop.ts";
import { fatalError, foreignThread, importDeath, misuse } from "./bugs-misuse.ts";
import { collectorDeath, finalizer, heapCorruption, interpreterDeath } from "./bugs-victim.ts";
import { type Capture, capture, type Reporting } from "./capture.ts";
import { dice, type Dice, zipf } from "./dice.ts";
import { hostOf } from "./hosts.ts";
import { type Program, programOf } from "./program.ts";
import { RELEASES } from "./python-code.ts";
import type { Bug } from "./scene.ts";

export interface WorldCrash {
  readonly bug: string;
  readonly bugClass: string;
  readonly capture: Capture;
  readonly input: ReturnType<typeof capture>;
}

type Maker = (roll: Dice, program: Program, id: string) => Bug;
const makers: readonly (readonly [number, Maker])[] = [
  [26, badAccess],
  [7, assertion],
  [7, abortion],
  [5, illegalInstruction],
  [5, heapCorruption],
  [4, collectorDeath],
  [8, interpreterDeath],
  [2, finalizer],
  [4, pythonOverflow],
  [3, nativeOverflow],
  [6, busyHang],
  [10, waitingHang],
  [14, misuse],
  [2, foreignThread],
  [2, importDeath],
  [3, fatalError],
];
const weighted = makers.flatMap(([weight, maker]) => Array.from({ length: weight }, () => maker));

/** `crashes` crashes of `bugs` bugs. */
export function world(seed: number, bugs: number, crashes: number): readonly WorldCrash[] {
  const roll = dice(seed);
  const program = programOf(roll);
  const all = Array.from({ length: bugs }, (_, index) =>
    roll.pick(weighted)(roll, program, `bug${index}`),
  );
  const hosts = Array.from({ length: 24 }, (_, index) =>
    hostOf(roll, index, program.climate.stripped),
  );
  const reporting: Reporting = {
    marked: roll.chance(0.5),
    interleaved: roll.chance(0.5),
    fullPaths: roll.chance(0.5),
    garbage: program.climate.garbage,
  };
  const mix: readonly Capture[] = [
    "text only",
    "text only",
    "text only",
    "native only",
    "native only",
    "both",
    "both",
    "both",
    "both",
    "both",
  ];
  const which = zipf(roll, bugs, 0.8);
  return Array.from({ length: crashes }, () => {
    const bug = all[which()]!;
    const moment = { roll, host: roll.pick(hosts), release: roll.below(RELEASES) };
    const scene = bug.happen(moment);
    const how = bug.bugClass === "foreign thread" ? "native only" : roll.pick(mix);
    return {
      bug: bug.id,
      bugClass: bug.bugClass,
      capture: how,
      input: capture(moment, scene, how, reporting, program.objects),
    };
  });
}

/** What a walker makes of a machine's stack: inlined frames, scans, garbage, walks gone astray. */
import type { Dice } from "../world/dice.ts";
import { hash, share } from "./chance.ts";
import { type Expanded, expanded } from "./expansion.ts";
import { glibcExports } from "./exports.ts";
import type { Fleet } from "./fleet.ts";
import {
  type FoundBy,
  hexadecimal,
  pythonFrame,
  type PythonFrame,
  type ReportedFrame,
  reportedFrame,
} from "./frames.ts";
import { layoutOf } from "./layout.ts";
import { native, type NativeFrame } from "./native-frame.ts";
import { versionOf } from "./objects.ts";
import type { Process } from "./paths.ts";
import { odds } from "./probabilities.ts";
import { isPython, type PythonSegment, type Scene } from "./scene.ts";
import { symbolsOf } from "./symbols.ts";
import { reraised } from "./system-frames.ts";

/** A frame of the report, and what it really is; null for garbage. */
export type Walked =
  | { readonly python: PythonFrame }
  | { readonly native: ReportedFrame; readonly really: NativeFrame | null };

interface BuiltFrame {
  readonly frame: NativeFrame;
  readonly inline: boolean;
}

type OnStack = PythonSegment | BuiltFrame;

/** How a capture's walk goes wrong, beyond what its image's walker always does. */
interface Mishaps {
  /** After how many frames the walk goes astray; -1 for never. */
  readonly astray: number;
  /** The stack is smashed: the first two frames are lost, the next ones scanned. */
  readonly smashed: boolean;
}

/** `withPython`: the capture has Python frames, too, each below its eval loop. */
export function walked(
  fleet: Fleet,
  roll: Dice,
  process: Process,
  scene: Scene,
  withPython: boolean,
): readonly Walked[] {
  const handled =
    process.image.reraise && scene.kind !== "hang"
      ? reraised(process).map((frame) => ({ frame, inline: false }))
      : [];
  const body = expanded(scene, process).flatMap((each) => asBuilt(fleet, process, each));
  const stack = [...handled, ...body];
  const mishaps = mishapsOf(roll, scene, stack);
  const left = cutGreenlet(roll, process, scene, stack);
  const walk = new Walk(fleet, roll, process, mishaps);
  for (const each of left) {
    if (!isPython(each)) walk.step(each);
    else if (withPython) walk.found.push({ python: pythonFrame(fleet, each, process) });
  }
  return walk.found;
}

/** Builds inline functions, and not every collector expands what they inlined. */
function asBuilt(fleet: Fleet, process: Process, each: Expanded): readonly OnStack[] {
  if (isPython(each)) return [each];
  if (!isInlined(fleet, process, each)) return [{ frame: each, inline: false }];
  const { image, system } = process;
  const shown =
    image.inlines && symbolsOf(fleet, each.object, process) === "full" && system !== "win";
  return shown ? [{ frame: each, inline: true }] : [];
}

function isInlined(fleet: Fleet, { minor, release, system }: Process, frame: NativeFrame): boolean {
  const { object: key, name, inlined } = frame;
  if (inlined === "always") return true;
  const { seed } = fleet;
  const object = fleet.objectsByKey.get(key);
  if (object !== undefined && name !== null && object.specs.get(name)?.small === true) {
    const version = versionOf(object, release);
    const build = object.maker === "own" ? version >> 1 : version;
    if (share(seed, key, name, system, build, system === "win") < odds.inlined) return true;
  }
  return inlined === "sometimes" && share(seed, key, name, system, minor) < odds.bindingInlined;
}

function mishapsOf(roll: Dice, scene: Scene, stack: readonly OnStack[]): Mishaps {
  const natives = stack.flatMap((each) => (isPython(each) ? [] : [each.frame]));
  const astray =
    roll.chance(odds.astray) && natives.length > 6
      ? roll.between(2, Math.min(natives.length - 1, 24))
      : -1;
  const inJit = natives.some(({ object }) => object === "jit") && roll.chance(odds.astrayInJit);
  const smashed = roll.chance(odds.smashed) && scene.kind !== "hang";
  return { astray: inJit ? 2 : astray, smashed };
}

/** A greenlet's stack is a piece of another one, of which a walk may miss the end. */
function cutGreenlet(
  roll: Dice,
  { service }: Process,
  { base }: Scene,
  stack: readonly OnStack[],
): readonly OnStack[] {
  const cut = service === "gateway" && base === "greenlet" && roll.chance(odds.greenletCut);
  return cut ? stack.slice(0, Math.max(4, stack.length - roll.between(1, 5))) : stack;
}

/** So far a smashed stack is scanned. */
const SMASHED_FRAMES = 12;

/** A walk from the innermost frame outwards. */
class Walk {
  readonly found: Walked[] = [];
  readonly #fleet: Fleet;
  readonly #roll: Dice;
  readonly #process: Process;
  readonly #mishaps: Mishaps;
  #steps = 0;
  /** How many frames are still to be scanned for. */
  #scans: number;
  #lost = false;

  constructor(fleet: Fleet, roll: Dice, process: Process, mishaps: Mishaps) {
    this.#fleet = fleet;
    this.#roll = roll;
    this.#process = process;
    this.#mishaps = mishaps;
    this.#scans = process.image.walker === "scan" ? Number.POSITIVE_INFINITY : 0;
  }

  step({ frame, inline }: BuiltFrame): void {
    if (this.#lost) return;
    if (inline) {
      this.#meet(frame, this.#steps === 0 ? "context" : this.#process.image.walker, true);
      return;
    }
    const step = this.#steps++;
    const { astray, smashed } = this.#mishaps;
    if (step === astray) this.#goAstray();
    else if (smashed && step < 2) this.#missSmashed(step);
    else if (!this.#misses(step, frame)) this.#meet(frame, this.#foundBy(step, frame));
  }

  #goAstray(): void {
    this.#lost = true;
    if (!this.#roll.chance(odds.garbageAfterAstray)) return;
    for (let count = this.#roll.between(1, 4); count > 0; count--) this.#meetGarbage();
  }

  /** The program counter points nowhere, and so does the first return address. */
  #missSmashed(step: number): void {
    if (step > 0) return;
    const nowhere: ReportedFrame = {
      language: "native",
      function: null,
      module: null,
      file: null,
      line: null,
      offset: hexadecimal(this.#roll.between(0, 0x7fffffff)),
      inline: false,
      foundBy: "context",
    };
    this.found.push({ native: nowhere, really: null });
  }

  #isScanned(step: number): boolean {
    return step > 0 && (this.#scans > 0 || (this.#mishaps.smashed && step < SMASHED_FRAMES));
  }

  /** A scan misses frames and finds garbage; frame pointers miss the caller of a leaf. */
  #misses(step: number, { object }: NativeFrame): boolean {
    const roll = this.#roll;
    if (this.#isScanned(step)) {
      if (roll.chance(odds.scanSkip)) {
        this.#scans = Math.max(0, this.#scans - 1);
        return true;
      }
      while (roll.chance(odds.scanGarbage)) this.#meetGarbage();
    }
    return (
      this.#process.image.walker === "fp" &&
      step === 1 &&
      object !== "libc" &&
      roll.chance(odds.framePointerSkip)
    );
  }

  /** Without unwind information for a frame, its callers have to be scanned for. */
  #foundBy(step: number, { object, name }: NativeFrame): FoundBy {
    const { image, system } = this.#process;
    const scanned = this.#isScanned(step);
    if (this.#scans > 0) this.#scans--;
    else if (this.#fleet.objectsByKey.get(object)?.noUnwindInfo === true && system !== "win")
      this.#scans = 2 + (hash(name) % 3);
    if (step === 0) return "context";
    if (scanned) return "scan";
    return image.walker === "fp" || object === "jit" ? "fp" : "cfi";
  }

  #meet(frame: NativeFrame, foundBy: FoundBy, inline = false): void {
    const reported = reportedFrame(this.#fleet, frame, this.#process, foundBy, inline);
    this.found.push({ native: reported, really: frame });
  }

  #meetGarbage(): void {
    const frame = garbage(this.#fleet, this.#roll, this.#process);
    if (frame === null) return;
    const reported = reportedFrame(this.#fleet, frame, this.#process, "scan");
    this.found.push({ native: reported, really: null });
  }
}

/** Words of the stack that look like return addresses, of calls long done. */
function garbage(fleet: Fleet, roll: Dice, process: Process): NativeFrame | null {
  const object = roll.pick(fleet.objects);
  switch (roll.pick(["py", "py", "libc", "object"] as const)) {
    case "py": {
      const name = roll.pick([...layoutOf(fleet, "py", process).places.keys()]);
      return native("py", name, roll.between(0, 9999));
    }
    case "libc": {
      const name = roll.pick(Object.keys(glibcExports));
      return process.system === "win" ? null : native("libc", name, roll.between(0, 9999));
    }
    case "object": {
      const name = roll.pick([...object.entries, ...object.middles]);
      return native(object.key, name, roll.between(0, 9999));
    }
  }
}

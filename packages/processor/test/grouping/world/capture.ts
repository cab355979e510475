/** What a capture keeps of a scene: text alone, native frames alone, or both in one stack. */
import { crash, type Death, type FrameFields, native as nativeFrame } from "../stacks.ts";
import type { Dice } from "./dice.ts";
import { pythonFrame } from "./hosts.ts";
import { base, pythonToPython, reraised } from "./machinery.ts";
import {
  fileOf,
  garbageName,
  libc,
  interpreter,
  nameIn,
  type NativeCall,
  type NativeObject,
} from "./native-code.ts";
import { mainBase, threadBase, type PyFunc } from "./python-code.ts";
import type { Layer, Moment, Scene } from "./scene.ts";

export const captures = ["text only", "native only", "both"] as const;
export type Capture = (typeof captures)[number];

/** How a fleet reports. */
export interface Reporting {
  /** Frames say how they were found, and which were inlined. */
  readonly marked: boolean;
  /** In a merged stack every Python frame stands at its own native frame. */
  readonly interleaved: boolean;
  readonly fullPaths: boolean;
  /** Probability that a walk of the stack met garbage. */
  readonly garbage: number;
}

/** faulthandler prints no more. */
const MAX_PYTHON_FRAMES = 100;
const MAX_NATIVE_FRAMES = 250;

export function capture(
  moment: Moment,
  scene: Scene,
  how: Capture,
  reporting: Reporting,
  objects: readonly NativeObject[],
) {
  const { roll } = moment;
  const stack =
    how === "text only"
      ? pythonFrames(moment, withBase(scene)).slice(0, MAX_PYTHON_FRAMES)
      : spoiled(moment, merged(moment, scene, how, reporting), reporting, objects);
  const green = scene.greenlet ? stack.slice(0, Math.max(4, Math.ceil(stack.length * 0.6))) : stack;
  return crash(green, deathAs(roll, scene.death, how));
}

/** stderr stands beside a text, and in a dump only by luck. */
function deathAs(roll: Dice, death: Death, how: Capture): Death {
  const heard = death.kind === "fatal" || roll.chance(how === "native only" ? 0.45 : 0.75);
  const shown = how === "native only" ? { ...death, garbageCollecting: false } : death;
  if (death.kind === "fatal" && how === "native only")
    return {
      ...shown,
      kind: "signal",
      reason: "SIGABRT",
      message: roll.chance(0.5) ? `Fatal Python error: ${death.message}` : null,
    };
  return heard ? shown : { ...shown, message: null };
}

const withBase = ({ layers, thread, greenlet }: Scene): readonly Layer[] =>
  greenlet ? layers : [...layers, { python: thread ? threadBase : mainBase }];

function pythonFrames(
  { roll, host, release }: Moment,
  layers: readonly Layer[],
): readonly FrameFields[] {
  return layers.flatMap((layer) =>
    "python" in layer
      ? layer.python.map((func) => pythonFrame(host, release, func, 1 + roll.below(900)))
      : [],
  );
}

type Both = { readonly call: NativeCall } | { readonly func: PyFunc };

function merged(
  moment: Moment,
  scene: Scene,
  how: Capture,
  { marked, interleaved, fullPaths }: Reporting,
): readonly FrameFields[] {
  const { roll, host, release } = moment;
  const both: Both[] =
    scene.mayReraise && roll.chance(0.3) ? reraised(roll, host).map((call) => ({ call })) : [];
  const spread = how === "native only" || interleaved;
  for (const layer of withBase(scene)) {
    if ("native" in layer) both.push(...layer.native.map((call) => ({ call })));
    else
      for (const [index, func] of layer.python.entries()) {
        if (how === "both") both.push({ func });
        if (spread && index < layer.python.length - 1)
          both.push(...pythonToPython(roll, host).map((call) => ({ call })));
      }
  }
  if (!scene.greenlet && (how === "native only" || roll.chance(0.6)))
    both.push(...base(roll, host, scene.thread).map((call) => ({ call })));
  return both.slice(0, MAX_NATIVE_FRAMES).flatMap((each) => {
    if ("func" in each) return [pythonFrame(host, release, each.func, 1 + roll.below(900))];
    const name = nameIn(roll, each.call, host, release);
    if (name === undefined) return [];
    const file = each.call.object.name === "" ? null : fileOf(host, each.call.object, release);
    const path =
      file !== null && fullPaths && host.system !== "windows" ? `/usr/lib/x/${file}` : file;
    const marks = marked
      ? { inline: each.call.inline === true, foundBy: each.call.inline === true ? "inline" : "cfi" }
      : {};
    return [
      {
        ...nativeFrame(path ?? "", name ?? ""),
        module: path,
        function: name === "" ? null : name,
        ...marks,
      },
    ];
  });
}

/** Stack scans that found the wrong thing, walks that lost their way, bottoms that are missing. */
function spoiled(
  { roll, host, release }: Moment,
  frames: readonly FrameFields[],
  { marked, garbage: often }: Reporting,
  objects: readonly NativeObject[],
): readonly FrameFields[] {
  const garbage = (): FrameFields => {
    const object = roll.pick([libc, interpreter, interpreter, ...objects]);
    const name =
      object.kind === "interpreter" || object.kind === "system"
        ? roll.pick(object.exports)
        : garbageName(roll);
    return {
      ...nativeFrame(fileOf(host, object, release), name),
      ...(marked ? { inline: false, foundBy: "scan" } : {}),
    };
  };
  const spoilt = [...frames];
  const firstPython = spoilt.findIndex(({ language }) => language === "python");
  const natives = firstPython < 0 ? spoilt.length : firstPython;
  // The frame that died comes from the registers: nothing is guessed above it.
  const died =
    spoilt.findIndex(
      (frame) => frame.function !== null && /handler called|__restore_rt/.test(frame.function),
    ) + 1;
  if (roll.chance(often) && natives > died + 1) {
    for (let count = 1 + roll.below(3); count > 0; count--)
      spoilt.splice(died + 1 + roll.below(natives - died - 1), 0, garbage());
  }
  if (roll.chance(often / 2) && firstPython < 0)
    spoilt.splice(
      2 + roll.below(8),
      Number.POSITIVE_INFINITY,
      ...Array.from({ length: roll.below(4) }, garbage),
    );
  if (roll.chance(often / 2) && spoilt.length > 6) spoilt.length -= 3;
  return spoilt;
}

/** Loops that never end: a watchdog sees them wherever they are at that moment. */
import type { Dice } from "../world/dice.ts";
import { type Entered, enter } from "./bindings.ts";
import type { Fleet } from "./fleet.ts";
import { busyLibraries } from "./frameworks.ts";
import type { Moment } from "./images.ts";
import { native, type NativeFrame, py } from "./native-frame.ts";
import { allNames, pickObject, wayIn } from "./objects.ts";
import { odds } from "./probabilities.ts";
import { nameIn } from "./releases.ts";
import { reachOf, reached } from "./reach.ts";
import { type Bug, hung, type NativeSegment, type PythonCall, withInnermost } from "./scene.ts";
import { SITES, stackOf } from "./stack.ts";
import { leafFrames } from "./system-frames.ts";

export const busyHang = (roll: Dice, fleet: Fleet): Bug =>
  roll.chance(odds.busyPython) ? pythonLoop(roll, fleet) : nativeLoop(roll, fleet);

/** What the interpreter is at within a loop. */
const innermost: readonly (readonly string[])[] = [
  [],
  [],
  [],
  ["_PyObject_Malloc"],
  ["pymalloc_alloc", "_PyObject_Malloc"],
  ["lookdict_unicode_nodummy", "dict_subscript", "PyObject_GetItem"],
  ["_PyType_Lookup", "_PyObject_GenericGetAttrWithDict", "PyObject_GetAttr"],
  ["long_richcompare", "PyObject_RichCompare"],
  ["unicode_hash", "PyObject_Hash"],
  ["list_dealloc", "_Py_Dealloc"],
  ["PyList_Append"],
];

function interpreterAtWork(roll: Dice): NativeSegment | null {
  const frames = roll.pick(innermost).map(py);
  return frames.length > 0 ? { frames, convention: "direct" } : null;
}

interface Work {
  readonly layer: readonly PythonCall[];
  readonly segment: NativeSegment | null;
}

function pythonLoop(roll: Dice, fleet: Fleet): Bug {
  const { useCases, domain, common } = fleet.program;
  const func = roll.pick([...useCases, ...domain]);
  const helpers = roll.some(3, [...common, ...domain]).filter((helper) => helper !== func);
  const libraries = roll.some(3, busyLibraries);
  const modules = fleet.objects.filter(({ isLibrary }) => isLibrary !== true);
  const objects = roll.some(2, modules);
  const first = roll.between(0, SITES - 1);
  const span = roll.between(2, 9);

  const inLibrary = (now: Dice): PythonCall => ({
    ...now.pick(libraries),
    site: now.between(0, SITES - 1),
  });
  const inHelper = (now: Dice, { release }: Moment): readonly PythonCall[] => {
    const { file, name } = now.pick(helpers);
    const call = { file, name: nameIn(name, release), site: now.between(0, SITES - 1) };
    return now.chance(odds.busyHelperLibrary) ? [call, inLibrary(now)] : [call];
  };
  const inExtension = (now: Dice): Entered => {
    const object = now.pick(objects);
    return enter(object, wayIn(now, object, now.pick(allNames(object))));
  };
  const work = (now: Dice, moment: Moment): Work => {
    const where = now.next();
    if (where >= odds.busyItself + odds.busyHelper + odds.busyLibrary) return inExtension(now);
    const layer =
      where < odds.busyItself
        ? []
        : where < odds.busyItself + odds.busyHelper
          ? inHelper(now, moment)
          : [inLibrary(now)];
    return { layer, segment: interpreterAtWork(now) };
  };
  return {
    services: func.services,
    happen: (now, moment) => {
      const at = work(now, moment);
      const site = first + now.between(0, span);
      const stack = stackOf(fleet, now, moment, { func, ...at, site });
      return hung(now, moment, stack);
    },
  };
}

function nativeLoop(roll: Dice, fleet: Fleet): Bug {
  const object = pickObject(roll, fleet.objects);
  const guilty = roll.pick(object.middles);
  const reach = reachOf(roll, fleet, object, guilty);
  const leaves = roll.some(3, object.leaves);
  const inner = (now: Dice, moment: Moment): readonly NativeFrame[] => {
    if (now.chance(odds.busyLoopItself)) return [];
    const copies = now.chance(odds.busyLoopCopies) && moment.system !== "win";
    return [
      ...(copies ? leafFrames(moment, "memcpy") : []),
      native(object.key, now.pick(leaves), now.between(0, 99)),
    ];
  };
  return {
    services: reach.services,
    happen: (now, moment) => {
      const stack = reached(fleet, reach, now, moment, inner(now, moment));
      const site = now.between(0, 200);
      const atLine = (frame: NativeFrame): NativeFrame =>
        frame.name === guilty ? { ...frame, site } : frame;
      return hung(
        now,
        moment,
        withInnermost(stack, (frames) => frames.map(atLine)),
      );
    },
  };
}

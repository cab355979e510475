/** Mechanisms that die for their caller's mistake: foreign pointers, files cut short, kernels. */
import type { Dice } from "../world/dice.ts";
import { enter, ffiFrames } from "./bindings.ts";
import { drawFree, hash, weighted } from "./chance.ts";
import { type Fleet, objectNamed } from "./fleet.ts";
import type { Moment } from "./images.ts";
import { native, py } from "./native-frame.ts";
import { type NativeObject, wayIn } from "./objects.ts";
import { odds } from "./probabilities.ts";
import { functionsIn } from "./program.ts";
import { type Bug, died, kindOn, type NativeSegment, type PythonCall } from "./scene.ts";
import { SITES, stackOf } from "./stack.ts";
import { leafFrames } from "./system-frames.ts";

type Mechanism = keyof typeof odds.misusedBy;

interface Misuse {
  readonly layer?: readonly PythonCall[];
  readonly segment: NativeSegment;
}

const copying = [
  "harbor/documents",
  "harbor/search",
  "harbor/geo",
  "harbor/media",
  "harbor/storage",
  "harbor/common/codec",
  "harbor/crypto",
  "harbor/features",
  "harbor/vision/frames",
  "harbor/ingest",
];
/** Where in the program each mechanism is used; an SDK by whom, too. */
const usedIn: Readonly<Record<Exclude<Mechanism, "sdk"> | "hsm" | "cam", readonly string[]>> = {
  hsm: [
    "harbor/crypto",
    "harbor/accounts",
    "harbor/notify",
    "harbor/ingest/edi",
    "harbor/common/http",
  ],
  cam: ["harbor/vision/"],
  string_at: copying,
  cffi: copying,
  mmap: [
    "harbor/storage",
    "harbor/search",
    "harbor/geo/tiles",
    "harbor/features",
    "harbor/common/cache",
    "harbor/ml",
  ],
  numba: ["harbor/ml", "harbor/features", "harbor/pricing", "harbor/geo", "harbor/vision"],
  frombuf: ["harbor/"],
};

export function misuse(roll: Dice, fleet: Fleet, id: number): Bug {
  const { misuses } = fleet.taken;
  const mechanism = weighted(roll, odds.misusedBy);
  const vendor = roll.chance(odds.misusedHsm) ? "hsm" : "cam";
  const pool = functionsIn(fleet.program, usedIn[mechanism === "sdk" ? vendor : mechanism]);
  const func = drawFree(
    50,
    () => roll.pick(pool),
    (drawn) => misuses.has(mechanism + drawn.id),
  );
  misuses.add(mechanism + func.id);
  const site = roll.between(0, SITES - 1);
  const sdk = objectNamed(fleet, vendor);
  const way = wayInto(roll, sdk);
  const alwaysReads = roll.between(1, 2) === 1;
  const misused: Readonly<Record<Mechanism, (now: Dice, moment: Moment) => Misuse>> = {
    string_at: (_, moment) => stringAt(moment),
    sdk: (now, moment) =>
      enter(sdk, way, {
        frames: now.chance(odds.misuseCopies) ? leafFrames(moment, "memcpy") : [],
      }),
    mmap: (now, moment) => mapped(now, moment, alwaysReads ? 1 : odds.mmapReader),
    cffi: (_, moment) => moved(moment),
    numba: () => kernel(id),
    frombuf: (_, moment) => copied(moment),
  };
  return {
    services: func.services,
    happen: (now, moment) => {
      const { layer, segment } = { layer: [], ...misused[mechanism](now, moment) };
      const stack = stackOf(fleet, now, moment, { func, layer, segment, site });
      return died(stack, kindOn(moment, mechanism === "mmap" ? "SIGBUS" : "SIGSEGV"));
    },
  };
}

/** From one of an SDK's two usual entries inwards. */
function wayInto(roll: Dice, sdk: NativeObject): readonly string[] {
  const entry = roll.pick(sdk.entries.slice(0, 2));
  const middle = sdk.middles.find((name) => sdk.callers.get(name)?.includes(entry));
  return wayIn(roll, sdk, middle ?? sdk.middles[0]!);
}

/** `ctypes.string_at` of a pointer that is none. */
const stringAt = (moment: Moment): Misuse => ({
  layer: [{ file: "LIB/ctypes/__init__.py", name: "string_at", site: 3 }],
  segment: {
    frames: [...leafFrames(moment, "strlen"), native("ctypes", "string_at", 3), ...ffiFrames],
    convention: "ctypes",
  },
});

/** A mapped file that was cut short. */
const mapped = (roll: Dice, moment: Moment, reader: number): Misuse => ({
  layer: roll.chance(reader) ? [{ file: "harbor/storage/mm.py", name: "read_at", site: 5 }] : [],
  segment: {
    frames: [
      ...leafFrames(moment, "memcpy"),
      py("PyBytes_FromStringAndSize"),
      native("mmap", roll.chance(odds.mmapSubscript) ? "mmap_subscript" : "mmap_item", 3),
    ],
    convention: "getitem",
  },
});

/** `ffi.memmove` past a buffer's end. */
const moved = (moment: Moment): Misuse => ({
  layer: [{ file: "harbor/native/shim.py", name: "copy_into", site: 8 }],
  segment: {
    frames: [...leafFrames(moment, "memcpy"), native("cffi", "b_memmove", 4)],
    convention: "varargs",
  },
});

/** An array over memory that was freed. */
const copied = (moment: Moment): Misuse => ({
  segment: {
    frames: [
      ...leafFrames(moment, "memcpy"),
      native("umath", "_contig_to_contig", 5),
      native("umath", "raw_array_assign_array", 4),
      native("umath", "PyArray_AssignArray", 3),
      native("umath", "array_copyto", 7),
    ],
    convention: "kw",
  },
});

/** A compiled kernel that does not check its indices. */
const kernel = (id: number): Misuse => ({
  segment: {
    frames: [
      native("jit", null, hash(id)),
      native("jit", null, hash(id, 2)),
      native("numba", "call_cfunc", 3),
      native("numba", "Dispatcher_call", 4),
    ],
    convention: "tpcall",
  },
});

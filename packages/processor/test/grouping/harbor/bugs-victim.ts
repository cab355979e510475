/** Bugs that others die of: damaged heaps, counts of references, objects the collector meets. */
import type { Dice } from "../world/dice.ts";
import { enter } from "./bindings.ts";
import { frequent, weighted } from "./chance.ts";
import { type Fleet, someUsers } from "./fleet.ts";
import { libcOf, type Moment } from "./images.ts";
import { native, type NativeFrame, py } from "./native-frame.ts";
import { allNames, type NativeObject, pickObject, wayIn } from "./objects.ts";
import { odds } from "./probabilities.ts";
import { type Func, runBy } from "./program.ts";
import { reachOf, reached } from "./reach.ts";
import { type Bug, died, kindOn, type Stack } from "./scene.ts";
import { SITES, stackOf } from "./stack.ts";
import { abortFrames } from "./system-frames.ts";

type Frames = readonly NativeFrame[];

/** Names apart, alternatives a line each, innermost first. */
const alternatives = (text: string): readonly (readonly string[])[] =>
  text
    .trim()
    .split("\n")
    .map((line) => line.split(" "));

const pythons = (names: readonly string[]): Frames => names.map(py);
const libc = (names: readonly string[]): Frames => names.map((name) => native("libc", name));

/** Of glibc, which checks when it frees and when it allocates. */
const heapMessages = [
  "free(): invalid pointer",
  "free(): invalid next size (normal)",
  "malloc(): corrupted top size",
  "double free or corruption (!prev)",
  "double free or corruption (out)",
  "corrupted size vs. prev_size",
  "malloc(): unaligned tcache chunk detected",
  "free(): double free detected in tcache 2",
  "malloc(): invalid size (unsorted)",
  "munmap_chunk(): invalid pointer",
];
const heapFaults = alternatives(`
_int_malloc __GI___libc_malloc
unlink_chunk _int_malloc __GI___libc_malloc
malloc_consolidate _int_malloc __GI___libc_malloc
_int_free __GI___libc_free
tcache_get __GI___libc_malloc
`);
/** What the interpreter did when its heap proved damaged. */
const allocations = alternatives(`
PyObject_Malloc PyList_Append
PyMem_RawMalloc dictresize insertdict PyDict_SetItem
PyObject_Free unicode_dealloc _Py_Dealloc
PyMem_Realloc list_extend
_PyObject_GC_NewVar PyTuple_New
free_keys_object dict_dealloc _Py_Dealloc
PyMem_RawMalloc PyUnicode_New
`);

const withoutOwnHeap: ReadonlySet<string> = new Set(["orjson", "umath", "blas"]);

export function heapCorruption(roll: Dice, fleet: Fleet): Bug {
  const object = pickObject(roll, fleet.objects, ({ key }) => !withoutOwnHeap.has(key));
  const reach = reachOf(roll, fleet, object, roll.pick([...object.middles, ...object.leaves]));
  const messages = roll.some(roll.between(1, 3), heapMessages);
  /** Near the culprit, later in the same request, or anywhere. */
  const noticed = (now: Dice, moment: Moment, frames: Frames): Stack => {
    const where = now.next();
    if (where < odds.heapNear) {
      const helper = now.chance(odds.heapInFunction)
        ? []
        : [native(object.key, now.pick(object.leaves), now.between(0, 50))];
      return reached(fleet, reach, now, moment, [...frames, ...helper]);
    }
    if (where >= odds.heapNear + odds.heapSameEntry) return anyActivity(now, fleet, moment, frames);
    const func = frequent(now, runBy(moment.service, reach.callers), odds.skew.later);
    return inInterpreter(now, fleet, moment, frames, func);
  };
  return {
    services: reach.services,
    happen: (now, moment) => {
      const message = frequent(now, messages, odds.skew.messages);
      const faulted = now.chance(odds.heapFault);
      const stack = noticed(now, moment, heapFrames(now, moment, message, faulted));
      const { system } = moment;
      const checked = system !== "musl" && !faulted;
      return died(
        stack,
        kindOn(moment, system === "win" || checked ? "heap corruption" : "SIGSEGV"),
        { message: checked && system !== "win" ? message : null },
      );
    },
  };
}

/** Where an allocator noticed the damage. */
function heapFrames(roll: Dice, moment: Moment, message: string, faulted: boolean): Frames {
  const frees = /free|munmap/.test(message);
  switch (libcOf(moment)) {
    case "win":
      return [
        native("ntdll", "RtlReportFatalFailure"),
        native("ntdll", "RtlReportCriticalFailure"),
        native("ntdll", "RtlpHeapHandleError"),
        native("ntdll", "RtlpLogHeapFailure"),
        native("ntdll", frees ? "RtlFreeHeap" : "RtlpAllocateHeapInternal"),
        native("ucrt", frees ? "_free_base" : "_malloc_base"),
      ];
    case "musl":
      return libc(
        frees
          ? ["get_meta", "__libc_free", "free"]
          : ["alloc_slot", "__libc_malloc_impl", "malloc"],
      );
    case "glibc": {
      if (faulted) return libc(roll.pick(heapFaults));
      const unlinks = message.includes("prev_size") ? ["unlink_chunk"] : [];
      return [
        ...abortFrames(moment),
        ...libc(["__libc_message", "malloc_printerr"]),
        ...libc(
          frees
            ? ["_int_free", "__GI___libc_free"]
            : [...unlinks, "_int_malloc", "__GI___libc_malloc"],
        ),
      ];
    }
  }
}

const inInterpreter = (
  roll: Dice,
  fleet: Fleet,
  moment: Moment,
  frames: Frames,
  func: Func,
): Stack => {
  const inner = [...frames, ...pythons(roll.pick(allocations))];
  return stackOf(fleet, roll, moment, {
    func,
    segment: { frames: inner, convention: "direct" },
    site: roll.between(0, SITES - 1),
  });
};

/** Whatever the service does, in the interpreter or in some extension. */
function anyActivity(roll: Dice, fleet: Fleet, moment: Moment, frames: Frames): Stack {
  const func = roll.pick(runBy(moment.service, fleet.program.all));
  if (roll.chance(odds.heapInterpreter)) return inInterpreter(roll, fleet, moment, frames, func);
  const object = roll.pick(fleet.objects.filter(({ maker }) => maker !== "vendor"));
  const way = wayIn(roll, object, roll.pick(allNames(object)));
  return stackOf(fleet, roll, moment, {
    func,
    ...enter(object, way, { frames }),
    site: roll.between(0, SITES - 1),
  });
}

/** Where a freed object is touched again; the last: in the eval loop itself. */
const families: readonly (readonly string[])[] = [
  ...alternatives(`
_Py_Dealloc dict_dealloc _PyFrame_ClearExceptCode
lookdict_unicode_nodummy PyDict_GetItem _PyObject_GenericGetAttrWithDict
tupledealloc _Py_Dealloc
unicode_dealloc _Py_Dealloc free_keys_object dict_dealloc
_PyType_Lookup _PyObject_GenericGetAttrWithDict PyObject_GetAttr
PyObject_Hash dict_subscript PyObject_GetItem
list_dealloc _Py_Dealloc tupledealloc
PyObject_GC_UnTrack tupledealloc _Py_Dealloc
pymalloc_alloc _PyObject_Malloc PyUnicode_New
pymalloc_free _PyObject_Free float_dealloc
subtype_dealloc _Py_Dealloc list_dealloc
PyUnicode_RichCompare PyObject_RichCompare
insertdict PyDict_SetItem
PyType_IsSubtype PyNumber_Add
set_add_entry PySet_Add
clear_weakref PyObject_ClearWeakRefs subtype_dealloc
`),
  [],
];

/** A reference too few: the interpreter dies where the object is held, if not anywhere. */
export function interpreterDeath(roll: Dice, fleet: Fleet): Bug {
  const { all } = fleet.program;
  const home = roll.pick(all);
  const neighbours = all.filter(({ file }) => file === home.file).filter((each) => each !== home);
  const near = [home, ...neighbours.slice(0, 2)];
  const family = roll.some(roll.between(2, 4), families);
  const mayBeNone = roll.chance(odds.deallocatesNone);
  const sites = Array.from({ length: 3 }, () => roll.between(0, SITES - 1));
  return {
    services: home.services,
    happen: (now, moment) => {
      const func = now.chance(odds.interpreterHome)
        ? home
        : now.pick(now.chance(odds.interpreterFile) ? near : runBy(moment.service, all));
      if (!func.services.includes(moment.service)) return null;
      const none = mayBeNone && now.chance(odds.saysNone);
      const frames = none
        ? [
            ...abortFrames(moment),
            ...pythons(["fatal_error", "_Py_FatalErrorFunc", "none_dealloc"]),
          ]
        : pythons(frequent(now, family, odds.skew.family));
      const convention = now.chance(odds.interpreterInLoop) ? "direct" : "dealloc";
      const segment = { frames, convention } as const;
      const stack = stackOf(fleet, now, moment, { func, segment, site: now.pick(sites) });
      return none
        ? died(stack, kindOn(moment, "SIGABRT"), {
            message:
              "none_dealloc: deallocating None: bug likely caused by a refcount error in a C extension",
            fatal: true,
          })
        : died(stack, kindOn(moment, "SIGSEGV"));
    },
  };
}

const traversals = [
  "dict_traverse",
  "list_traverse",
  "tupletraverse",
  "func_traverse",
  "subtype_traverse",
  "frame_traverse",
];
const cythonTypes = ["RingBuffer", "Handle", "Element", "_Document", "Table"];

function ownTraverse({ key, binding, mangled }: NativeObject, cythonType: string): string {
  if (binding === "cython") return `__pyx_tp_traverse_${mangled}_${cythonType}`;
  if (binding === "rust") return `${key}::Vocab::__traverse__`;
  return binding === "pybind" ? "pybind11_traverse" : `${key}_traverse`;
}

/** A damaged object, found by the collector at whatever allocation starts it. */
export function collectorDeath(roll: Dice, fleet: Fleet): Bug {
  const object = pickObject(roll, fleet.objects, ({ isLibrary }) => isLibrary !== true);
  const own = roll.chance(odds.gcOwnTraverse);
  const home = someUsers(roll, fleet, object, 1)[0]!;
  const traverse = native(object.key, ownTraverse(object, roll.pick(cythonTypes)), 3);
  const containers = roll.some(2, traversals);
  return {
    services: home.services,
    happen: (now, moment) => {
      const func = now.chance(odds.gcNear)
        ? home
        : now.pick(runBy(moment.service, fleet.program.all));
      const head = weighted(now, odds.gcHead);
      const frames = [
        ...(head === "plain" ? [] : [py(head)]),
        own ? traverse : py(frequent(now, containers, odds.skew.containers)),
        py(head === "visit_reachable" ? "move_unreachable" : "subtract_refs"),
        ...pythons(collection(now, moment)),
      ];
      const stack = stackOf(fleet, now, moment, {
        func,
        segment: { frames, convention: "direct" },
        site: now.between(0, SITES - 1),
      });
      return died(stack, kindOn(moment, "SIGSEGV"), { collecting: true });
    },
  };
}

/** From the collector to what started it: an allocation, and since 3.12 the eval loop itself. */
function collection(roll: Dice, { minor }: Moment): readonly string[] {
  const main =
    minor === 8
      ? ["collect", "collect_with_callback"]
      : [
          "deduce_unreachable",
          "gc_collect_main",
          ...(minor >= 14 ? [] : ["gc_collect_with_callback"]),
        ];
  if (minor >= 12) return [...main, "_Py_RunGC", "_Py_HandlePending"];
  return [
    ...main,
    minor >= 11 ? "gc_collect_generations" : "collect_generations",
    "_PyObject_GC_Alloc",
    roll.pick(["_PyObject_GC_New", "_PyObject_GC_NewVar"]),
    roll.pick(["PyDict_New", "PyList_New", "PyTuple_New", "PyMethod_New", "PyFunction_New"]),
  ];
}

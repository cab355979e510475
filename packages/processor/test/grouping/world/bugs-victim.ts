/** Deaths far from their cause: a damaged heap, a collector that meets a broken object, lost references. */
import { objectOf, reachOf, sceneOf } from "./bugs-native.ts";
import type { Dice } from "./dice.ts";
import {
  abortFrames,
  calledFromPython,
  collector,
  evalLoop,
  frees,
  interpreterCalls,
  libcCalls,
} from "./machinery.ts";
import { type NativeCall, nativeFuncs, plain } from "./native-code.ts";
import { packageFrames, type Program, siteOf, visit } from "./program.ts";
import { libraryFuncs, type PyFunc } from "./python-code.ts";
import { type Bug, type Moment, native, python } from "./scene.ts";

const detections: readonly (readonly [string, string])[] = [
  ["double free or corruption (!prev)", "_int_free __libc_free"],
  ["double free or corruption (fasttop)", "_int_free __GI___libc_free"],
  ["free(): invalid pointer", "_int_free __libc_free"],
  ["free(): double free detected in tcache 2", "_int_free __libc_free"],
  ["malloc(): corrupted top size", "_int_malloc __libc_malloc"],
  ["malloc(): unaligned tcache chunk detected", "tcache_get __libc_malloc"],
  ["corrupted size vs. prev_size", "unlink_chunk _int_free_maybe_consolidate __libc_free"],
  ["malloc_consolidate(): invalid chunk size", "malloc_consolidate _int_malloc __libc_calloc"],
  ["realloc(): invalid next size", "_int_realloc __libc_realloc"],
];

/** How the allocator notices: glibc says so and aborts; elsewhere, and often there, it just dies. */
function detected(roll: Dice, { host }: Moment, usual: number) {
  const [message, names] = roll.chance(0.7) ? detections[usual]! : roll.pick(detections);
  if (host.system === "windows")
    return {
      death: { kind: "windows-exception", reason: "EXCEPTION_HEAP_CORRUPTION" },
      frames: [
        plain(
          { ...heapModule, name: "ntdll" },
          roll.pick(["RtlReportFatalFailure", "RtlReportCriticalFailure"]),
        ),
        plain(
          { ...heapModule, name: "ntdll" },
          roll.pick(["RtlpHeapHandleError", "RtlpFreeHeapInternal", "RtlFreeHeap"]),
        ),
      ],
    };
  if (host.system === "musl")
    return {
      death: { reason: "SIGSEGV" },
      frames: libcCalls(
        roll.pick(["get_meta __libc_free", "a_crash get_meta free", "alloc_slot malloc"]),
      ),
    };
  if (roll.chance(0.25)) {
    const frames = roll.chance(0.5)
      ? libcCalls(names)
      : interpreterCalls(
          roll.pick([
            "_PyObject_Malloc PyUnicode_New",
            "pymalloc_alloc* _PyObject_Malloc",
            "_PyObject_Free dict_dealloc",
            "PyObject_Malloc PyTuple_New",
          ]),
        );
    return { death: { reason: "SIGSEGV" }, frames };
  }
  return {
    death: { reason: "SIGABRT", message },
    frames: [...abortFrames(roll, host), ...libcCalls(`__libc_message malloc_printerr ${names}`)],
  };
}
const heapModule = plain(
  { name: "ntdll", kind: "system", package: "", language: "c", exports: [] },
  "",
).object;

export function heapCorruption(roll: Dice, program: Program, id: string): Bug {
  const guilty = objectOf(roll, program, "extension", "library");
  const others = Array.from({ length: 6 }, () => objectOf(roll, program, "extension", "library"));
  const site = siteOf(roll, program);
  const usual = roll.below(detections.length);
  const { victimsAnywhere } = program.climate;
  return {
    id,
    bugClass: "heap corruption",
    happen: (moment) => {
      const { roll: now, host, release } = moment;
      const { death, frames } = detected(now, moment, usual);
      const near = now.chance(0.5);
      const victim = near ? guilty : now.pick(others);
      const inObject = now.chance(near ? 0.7 : 0.4)
        ? nativeFuncs(now, victim, 1 + now.below(3))
        : interpreterCalls(
            now.pick([
              "dict_dealloc",
              "list_dealloc",
              "unicode_dealloc",
              "PyList_Append",
              "dict_resize",
            ]),
          );
      const inJob = !now.chance(victimsAnywhere);
      const inner = near ? [] : now.pick(program.bystanders).slice(0, inJob ? 2 : 4);
      const outer = inJob ? visit(now, site, release) : site.service.outer;
      return {
        death,
        layers: [
          native(frames, inObject, now.chance(0.7) ? calledFromPython(now, host) : evalLoop),
          python(inner, outer),
        ],
        thread: site.service.thread,
        mayReraise: true,
        greenlet: false,
      };
    },
  };
}

/** The collector dies at an object that an extension broke; it starts wherever memory is asked for. */
export function collectorDeath(roll: Dice, program: Program, id: string): Bug {
  const guilty = objectOf(roll, program, "extension");
  const method = roll.pick(["traverse", "clear", "dealloc", "none", "none"]);
  const [type] = nativeFuncs(roll, guilty, 1);
  const services = roll.some(1 + roll.below(3), program.services);
  const home = siteOf(roll, program);
  return {
    id,
    bugClass: "garbage collection",
    happen: ({ roll: now, host, release }) => {
      const own =
        method === "none" ? [] : [plain(guilty, `${guilty.name}_${type!.owner}_${method}`)];
      const start = now.chance(0.5)
        ? visit(now, home, release)
        : [...now.pick(program.bystanders), ...now.pick(services).outer];
      return {
        death: { reason: "SIGSEGV", garbageCollecting: host.minor >= 10 },
        layers: [
          native(
            own,
            collector(now, host),
            now.chance(0.5) ? calledFromPython(now, host) : evalLoop,
          ),
          python(start),
        ],
        thread: home.service.thread,
        mayReraise: true,
        greenlet: false,
      };
    },
  };
}

/** One reference too few: the interpreter dies in one of a few functions, at one place of the program. */
const interpreterDeaths = [
  "_Py_Dealloc",
  "list_dealloc _Py_Dealloc",
  "dict_dealloc _Py_Dealloc",
  "PyObject_Hash dict_getitem",
  "unicode_eq dict_lookup",
  "set_add_entry set_add_key",
  "PyObject_RichCompare list_contains",
  "long_add binary_op1",
  "tupledealloc _Py_Dealloc",
  "list_resize list_append",
  "PyObject_GetAttr",
  "_PyObject_GenericGetAttrWithDict PyObject_GenericGetAttr",
  "insertdict PyDict_SetItem",
];
export function interpreterDeath(roll: Dice, program: Program, id: string): Bug {
  const site = siteOf(roll, program);
  const deaths = roll.some(1 + roll.below(3), interpreterDeaths);
  const lib = roll.chance(0.3)
    ? libraryFuncs(
        roll.pick(["json/encoder:iterencode", "copy:deepcopy", "pickle:load_global", "re:sub"]),
      )
    : [];
  return {
    id,
    bugClass: "interpreter",
    happen: ({ roll: now, host, release }) => ({
      death: { reason: now.chance(0.08) ? "SIGBUS" : "SIGSEGV" },
      layers: [
        native(
          interpreterCalls(now.chance(0.7) ? deaths[0]! : now.pick(deaths)),
          now.chance(0.5) ? calledFromPython(now, host) : evalLoop,
        ),
        python(lib, visit(now, site, release)),
      ],
      thread: site.service.thread,
      mayReraise: true,
      greenlet: now.chance(0.05),
    }),
  };
}

/** An object dies in `__del__` or in an extension's deallocator, wherever its last reference goes. */
export function finalizer(roll: Dice, program: Program, id: string): Bug {
  const object = objectOf(roll, program, "extension");
  const site = siteOf(roll, program, 2);
  const close = site.own.slice(0, 1);
  const del: PyFunc = { ...site.own.at(-1)!, name: "__del__" };
  const inPython = roll.chance(0.5);
  const [type] = nativeFuncs(roll, object, 1);
  const destructor: readonly NativeCall[] = [
    plain(object, `${object.name}_${type!.owner}_release`),
    ...frees(object),
  ];
  const reach = reachOf(roll, program, object, 1);
  return {
    id,
    bugClass: "finalizer",
    happen: (moment) => {
      const { roll: now, host, release } = moment;
      const anywhere = [...now.pick(program.bystanders), ...now.pick(program.services).outer];
      if (inPython) {
        const scene = sceneOf(moment, { ...reach, inlined: null }, [], { reason: "SIGSEGV" });
        return {
          ...scene,
          layers: [
            scene.layers[0]!,
            python(packageFrames(now, object).slice(0, 0), close, [del]),
            native(
              interpreterCalls(
                "slot_tp_finalize PyObject_CallFinalizerFromDealloc subtype_dealloc",
              ),
              evalLoop,
            ),
            python(anywhere),
          ],
        };
      }
      return {
        death: { reason: "SIGSEGV" },
        layers: [
          native(
            destructor,
            interpreterCalls("_Py_Dealloc frame_dealloc"),
            now.chance(0.5) ? calledFromPython(now, host) : evalLoop,
          ),
          python(now.chance(0.5) ? visit(now, site, release) : anywhere),
        ],
        thread: false,
        mayReraise: true,
        greenlet: false,
      };
    },
  };
}

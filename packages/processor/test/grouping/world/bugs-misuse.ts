/** Mechanisms that die for their caller's mistake, and deaths without a caller. */
import { objectOf, reachOf, sceneOf } from "./bugs-native.ts";
import type { Dice } from "./dice.ts";
import {
  abortFrames,
  calledFromPython,
  calledThroughCffi,
  calledThroughCtypes,
  calledThroughNumba,
  copyFrame,
  interpreterCalls,
  libcCalls,
} from "./machinery.ts";
import {
  nativeFunc,
  nativeFuncs,
  type NativeCall,
  type NativeObject,
  plain,
  standard,
} from "./native-code.ts";
import { type Program, siteOf, visit } from "./program.ts";
import { appFuncs, frozenFunc, libraryFuncs, type PyFunc } from "./python-code.ts";
import { type Bug, type Layer, type Moment, native, python, type Scene } from "./scene.ts";

type Mechanism =
  | "ctypes"
  | "string_at"
  | "sdk by ctypes"
  | "sdk by cffi"
  | "sdk by binding"
  | "mmap"
  | "numba"
  | "struct";
const mechanisms: readonly Mechanism[] = [
  "ctypes",
  "string_at",
  "sdk by ctypes",
  "sdk by cffi",
  "sdk by binding",
  "mmap",
  "numba",
  "struct",
];

export function misuse(roll: Dice, program: Program, id: string): Bug {
  const site = siteOf(roll, program);
  const mechanism = roll.pick(mechanisms);
  const sdk = objectOf(roll, program, "sdk");
  const api = roll.some(1 + roll.below(2), sdk.exports);
  const inside = nativeFuncs(roll, sdk, 2);
  const binding: NativeObject = {
    ...standard(`_${sdk.name}`),
    kind: "extension",
    package: sdk.name,
  };
  return {
    id,
    bugClass: "misuse",
    happen: (moment) => {
      const { roll: now, release, host } = moment;
      const { calls, above } = callsOf(moment, mechanism, { sdk, api, inside, binding });
      const reason = mechanism === "mmap" ? "SIGBUS" : "SIGSEGV";
      const death =
        host.system === "windows"
          ? { kind: "windows-exception", reason: "EXCEPTION_ACCESS_VIOLATION" }
          : { reason };
      return {
        death,
        layers: [native(calls), python(above, visit(now, site, release))],
        thread: site.service.thread,
        mayReraise: true,
        greenlet: now.chance(0.05),
      };
    },
  };
}

interface Parts {
  readonly sdk: NativeObject;
  readonly api: readonly string[];
  readonly inside: readonly NativeCall[];
  readonly binding: NativeObject;
}

function callsOf(
  { roll, host }: Moment,
  mechanism: Mechanism,
  { sdk, api, inside, binding }: Parts,
): { calls: readonly NativeCall[]; above: readonly PyFunc[] } {
  const copy = roll.chance(0.6) ? [copyFrame(roll, host)] : [];
  const inSdk = [
    ...copy,
    ...(roll.chance(0.5) ? [roll.pick(inside)] : []),
    plain(sdk, roll.pick(api)),
  ];
  switch (mechanism) {
    case "ctypes":
      return { calls: [...copy, ...calledThroughCtypes(roll, host)], above: [] };
    case "string_at":
      return {
        calls: [
          copyFrame(roll, host),
          plain(standard("_ctypes"), "string_at"),
          ...calledThroughCtypes(roll, host),
        ],
        above: libraryFuncs("ctypes/__init__:string_at"),
      };
    case "sdk by ctypes":
      return { calls: [...inSdk, ...calledThroughCtypes(roll, host)], above: [] };
    case "sdk by cffi":
      return {
        calls: [...inSdk, ...calledThroughCffi(roll, host, roll.chance(0.5) ? binding : null)],
        above: [],
      };
    case "sdk by binding":
      return {
        calls: [...inSdk, plain(binding, `_wrap_${api[0]}`), ...calledFromPython(roll, host)],
        above: [{ path: `${sdk.name}/__init__.py`, name: api[0]!, from: "package", moved: null }],
      };
    case "mmap":
      return {
        calls: [
          ...copy,
          plain(
            standard("mmap"),
            roll.pick(["mmap_read_method", "mmap_item", "mmap_subscript", "mmap_gfind"]),
          ),
          ...calledFromPython(roll, host),
        ],
        above: [],
      };
    case "numba":
      return {
        calls: [
          plain(
            { ...standard("jit"), name: "", exports: [] },
            roll.pick(["", "_ZN8__main__6kernelE5ArrayIdLi1E1C7mutableE"]),
          ),
          ...calledThroughNumba(roll, host),
        ],
        above: [],
      };
    case "struct":
      return {
        calls: [
          plain(standard("_struct"), roll.pick(["s_pack_internal", "s_unpack_internal", "nu_int"])),
          ...calledFromPython(roll, host),
        ],
        above: [],
      };
  }
}

/** A thread that C made and Python does not know. */
export function foreignThread(roll: Dice, program: Program, id: string): Bug {
  const object = objectOf(roll, program, "extension", "library");
  const chain = nativeFuncs(roll, object, 2 + roll.below(2));
  const abort = roll.chance(0.3);
  return {
    id,
    bugClass: "foreign thread",
    happen: ({ roll: now, host }) => ({
      death: { reason: abort ? "SIGABRT" : "SIGSEGV" },
      layers: [
        native(
          abort ? abortFrames(now, host) : now.chance(0.3) ? [copyFrame(now, host)] : [],
          chain,
          libcCalls(
            now.pick(["execute_native_thread_routine start_thread clone3", "start_thread clone"]),
          ),
        ),
      ],
      thread: true,
      mayReraise: true,
      greenlet: false,
    }),
  };
}

/** A module dies while it is imported; whoever imports it first is on the stack. */
export function importDeath(roll: Dice, program: Program, id: string): Bug {
  const object = objectOf(roll, program, "extension");
  const reach = reachOf(roll, program, object, 1);
  const body: PyFunc = {
    path: `${object.package}/__init__.py`,
    name: "<module>",
    from: "package",
    moved: null,
  };
  const init = nativeFunc(roll, object);
  return {
    id,
    bugClass: "import",
    happen: (moment) => {
      const { roll: now, host } = moment;
      const scene: Scene = sceneOf(moment, { ...reach, inlined: null }, [], {
        reason: now.chance(0.5) ? "SIGILL" : "SIGSEGV",
      });
      const importing = [
        frozenFunc("importlib._bootstrap", "_call_with_frames_removed"),
        frozenFunc("importlib._bootstrap_external", "create_module"),
        frozenFunc("importlib._bootstrap", "_load_unlocked"),
        frozenFunc("importlib._bootstrap", "_find_and_load"),
      ];
      const layers: Layer[] = [
        native(
          [init],
          [plain(object, `PyInit_${object.name}`)],
          interpreterCalls("_PyImport_LoadDynamicModuleWithSpec _imp_create_dynamic"),
          calledFromPython(now, host),
        ),
        python(
          importing,
          [body],
          importing.slice(2),
          appFuncs(now, 2),
          now.pick(program.services).outer,
        ),
      ];
      return { ...scene, death: { reason: "SIGSEGV" }, layers };
    },
  };
}

/** The interpreter ends the process itself. */
const fatals = [
  "none_dealloc: deallocating None",
  "_PyObject_GC_TRACK: GC object already tracked",
  "PyEval_SaveThread: the function must be called with the GIL held, but the GIL is released",
  "take_gil: PyMUTEX_LOCK(gil->mutex) failed",
  "_Py_CheckFunctionResult: a function returned a result with an exception set",
  "tstate_delete_common: tstate mismatch",
];
export function fatalError(roll: Dice, program: Program, id: string): Bug {
  const object = objectOf(roll, program, "extension");
  const reach = reachOf(roll, program, object, 1);
  const message = roll.pick(fatals);
  const inObject = roll.chance(0.6);
  return {
    id,
    bugClass: "fatal error",
    happen: (moment) => {
      const { roll: now, host } = moment;
      const top = [
        ...abortFrames(now, host),
        ...interpreterCalls(
          now.pick([
            "fatal_error_exit fatal_error _Py_FatalErrorFunc",
            "fatal_error _Py_FatalErrorFunc",
            "_Py_FatalErrorFunc",
          ]),
        ),
        ...interpreterCalls(message.slice(0, message.indexOf(":"))),
      ];
      const scene = sceneOf(moment, { ...reach, inlined: null }, top, {
        kind: "fatal",
        reason: null,
        message,
      });
      if (inObject) return scene;
      return {
        ...scene,
        layers: [native(top, calledFromPython(now, host)), ...scene.layers.slice(1)],
      };
    },
  };
}

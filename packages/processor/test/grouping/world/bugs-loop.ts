/** Deaths and hangs whose innermost frames are chance: endless recursion, loops, waits. */
import { objectOf } from "./bugs-native.ts";
import type { Dice } from "./dice.ts";
import {
  calledFromC,
  calledFromPython,
  evalLoop,
  interpreterCalls,
  lockWait,
  pythonToPython,
  systemWait,
} from "./machinery.ts";
import { type NativeCall, nativeFuncs } from "./native-code.ts";
import { packageFrames, type Program, siteOf, visit } from "./program.ts";
import { appFuncs, libraryFuncs, type PyFunc } from "./python-code.ts";
import { type Bug, type Layer, native, python } from "./scene.ts";

/** Through which C a Python recursion goes, if through any. */
const bridges = [
  "slot_tp_repr PyObject_Repr",
  "map_next PyIter_Next min_max",
  "slot_tp_getattr_hook PyObject_GetAttr",
  "list_sort_impl list_sort",
  "",
  "",
  "slot_tp_call _PyObject_Call",
  "encoder_listencode_obj encoder_call",
];
const leaves = [
  "_PyEval_Vector",
  "PyObject_Malloc PyUnicode_New",
  "_PyEvalFramePushAndInit",
  "_PyObject_GetMethod",
  "unicode_hash PyDict_GetItemWithError",
  "PyTuple_New",
  "_Py_CheckRecursiveCall",
  "PyType_IsSubtype",
  "vgetargskeywordsfast_impl _PyArg_ParseStackAndKeywords",
  "frame_alloc _PyFrame_New_NoTrack",
];

export function pythonOverflow(roll: Dice, program: Program, id: string): Bug {
  const cycle = appFuncs(roll, 1 + roll.below(3));
  const site = siteOf(roll, program);
  const bridge = roll.pick(bridges);
  return {
    id,
    bugClass: "stack overflow",
    happen: ({ roll: now, host, release }) => {
      const turns = 30 + now.below(40);
      const start = now.below(cycle.length);
      const layers: Layer[] = [native(interpreterCalls(now.pick(leaves)), evalLoop)];
      for (let turn = 0; turn < turns; turn++) {
        const turned = turn === 0 ? cycle.slice(start) : cycle;
        layers.push(python(turned));
        const back = interpreterCalls(bridge);
        const way =
          bridge === ""
            ? pythonToPython(now, host)
            : [...calledFromC(now, host), ...back, ...evalLoop];
        if (way.length > 0) layers.push(native(way));
      }
      return {
        death: { reason: now.chance(0.1) ? "SIGBUS" : "SIGSEGV" },
        layers: [...layers, python(visit(now, site, release))],
        thread: site.service.thread,
        mayReraise: false,
        greenlet: false,
      };
    },
  };
}

export function nativeOverflow(roll: Dice, program: Program, id: string): Bug {
  const object = objectOf(roll, program, "extension", "library");
  const cycle = nativeFuncs(roll, object, 1 + roll.below(4));
  const leaf = nativeFuncs(roll, object, 5);
  const site = siteOf(roll, program);
  const shared = packageFrames(roll, object);
  return {
    id,
    bugClass: "stack overflow",
    happen: ({ roll: now, host, release }) => {
      const calls: NativeCall[] = now.chance(0.7) ? [now.pick(leaf)] : [];
      if (now.chance(0.3))
        calls.unshift(...interpreterCalls(now.pick(["PyObject_Malloc", "PyUnicode_New"])));
      const turns = 25 + now.below(60);
      const start = now.below(cycle.length);
      const whole = Array.from({ length: turns }, () => cycle)
        .flat()
        .slice(start);
      const inlined = cycle.length > 1 && now.chance(0.3) ? cycle[1] : null;
      const block = whole.map((func) => (func === inlined ? { ...func, inline: true } : func));
      return {
        death: { reason: "SIGSEGV" },
        layers: [
          native(calls, block, calledFromPython(now, host)),
          python(shared, visit(now, site, release)),
        ],
        thread: site.service.thread,
        mayReraise: false,
        greenlet: false,
      };
    },
  };
}

const busyLibrary = [
  "",
  "json/decoder:raw_decode json/decoder:decode json:loads",
  "re:sub",
  "copy:deepcopy copy:_deepcopy_dict copy:deepcopy",
  "decimal:__add__",
  "random:randint",
  "collections:__missing__",
  "datetime:strptime",
];
const busyNative = [
  "",
  "list_sort_impl",
  "long_mul",
  "unicode_concatenate",
  "dict_lookup",
  "_Py_Dealloc",
  "gc_collect_main",
  "SRE_SEARCH",
  "PyUnicode_Decode",
];

export function busyHang(roll: Dice, program: Program, id: string): Bug {
  const site = siteOf(roll, program, 1 + roll.below(2));
  const tasks = Array.from({ length: 2 + roll.below(7) }, () => appFuncs(roll, 1 + roll.below(3)));
  const atHome = roll.next() * 0.8;
  const objects = Array.from({ length: 3 }, () => objectOf(roll, program, "extension", "library"));
  return {
    id,
    bugClass: "busy hang",
    happen: ({ roll: now, host, release }) => {
      const task = now.chance(atHome) ? [] : now.pick(tasks).slice(now.below(2));
      const inLibrary = libraryFuncs(now.pick(busyLibrary));
      const object = now.pick(objects);
      const inner = now.chance(0.3)
        ? [...nativeFuncs(now, object, 1 + now.below(2)), ...calledFromPython(now, host)]
        : [...interpreterCalls(now.pick(busyNative)), ...evalLoop];
      return {
        death: { kind: "timeout", reason: null },
        layers: [native(inner), python(inLibrary, task, visit(now, site, release))],
        thread: site.service.thread,
        mayReraise: false,
        greenlet: false,
      };
    },
  };
}

const waits = [
  "",
  "threading:acquire",
  "threading:__enter__",
  "threading:wait threading:wait_for",
  "threading:wait queue:get",
  "threading:wait queue:put",
  "threading:_wait_for_tstate_lock threading:join",
  "threading:wait concurrent/futures/_base:result",
  "selectors:select subprocess:_communicate subprocess:communicate",
  "subprocess:_try_wait subprocess:_wait subprocess:wait",
  "socket:readinto http/client:_read_status http/client:begin http/client:getresponse",
  "ssl:read ssl:recv_into socket:readinto",
  "multiprocessing/connection:_recv multiprocessing/connection:recv_bytes multiprocessing/queues:get",
  "logging/__init__:acquire logging/__init__:handle logging/__init__:info",
  "selectors:select asyncio/base_events:_run_once asyncio/base_events:run_forever",
  "socket:accept",
];
const waitPackages: readonly (readonly [string, string, string])[] = [
  ["redis", "connection", "read_response"],
  ["urllib3", "connectionpool", "urlopen"],
  ["psycopg", "waiting", "wait_epoll"],
  ["filelock", "_api", "acquire"],
];

export function waitingHang(roll: Dice, program: Program, id: string): Bug {
  const site = siteOf(roll, program);
  const usual = roll.pick(waits);
  const pkg = roll.pick(waitPackages);
  return {
    id,
    bugClass: "waiting hang",
    happen: ({ roll: now, host, release }) => {
      const way = now.chance(0.4) ? usual : now.pick(waits);
      const packaged: readonly PyFunc[] = now.chance(0.15)
        ? [{ path: `${pkg[0]}/${pkg[1]}.py`, name: pkg[2], from: "package", moved: null }]
        : [];
      const wait = /socket|ssl|selectors|subprocess/.test(way)
        ? systemWait(now)
        : lockWait(now, host);
      return {
        death: { kind: "timeout", reason: null },
        layers: [
          native(wait, calledFromPython(now, host)),
          python(libraryFuncs(way), packaged, visit(now, site, release)),
        ],
        thread: site.service.thread,
        mayReraise: false,
        greenlet: now.chance(0.08),
      };
    },
  };
}

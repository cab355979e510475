/**
 * What may change in a crash with native frames without changing its keys, over generated stacks:
 * the machine, the system, the Python, the build, the debugger and the capture.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { groupReport } from "../../src/grouping/index.ts";
import {
  app,
  crash,
  type Death,
  type FrameFields,
  mainBase,
  native,
  threadBase,
} from "./stacks.ts";

/** A function of an extension: its class, its name and the object it lies in. */
interface Call {
  readonly object: string;
  readonly owner: string;
  readonly name: string;
}

/** A machine, its C library and its Python: how they spell objects and what stands between calls. */
interface Machine {
  readonly extension: (object: string) => string;
  readonly libc: string;
  readonly python: string;
  readonly copies: readonly string[];
  /** From an extension's function to the eval loop. */
  readonly glue: readonly string[];
  readonly abort: readonly string[];
  readonly main: readonly string[];
  readonly thread: readonly string[];
}

const unix = (tag: string) => (object: string) => `${object}.cpython-${tag}.so`;
const glibc: Machine = {
  extension: unix("312-x86_64-linux-gnu"),
  libc: "libc.so.6",
  python: "libpython3.12.so.1.0",
  copies: ["__memmove_avx_unaligned_erms", "__strlen_evex", "__memset_avx2_unaligned_erms"],
  glue: ["cfunction_vectorcall_FASTCALL", "_PyObject_VectorcallTstate", "PyObject_Vectorcall"],
  abort: ["__pthread_kill_implementation", "__pthread_kill_internal", "__GI_raise", "__GI_abort"],
  main: [
    "Py_RunMain",
    "Py_BytesMain",
    "__libc_start_call_main",
    "__libc_start_main_impl",
    "_start",
  ],
  thread: ["method_vectorcall", "thread_run", "pythread_wrapper", "start_thread", "clone3"],
};
const machines: Readonly<Record<string, Machine>> = {
  "CPython 3.8": {
    ...glibc,
    extension: unix("38-x86_64-linux-gnu"),
    python: "libpython3.8.so.1.0",
    glue: [
      "cfunction_call_varargs",
      "_PyObject_MakeTpCall",
      "_PyObject_Vectorcall",
      "call_function",
    ],
    abort: ["raise", "abort"],
    thread: [
      "method_vectorcall",
      "PyVectorcall_Call",
      "t_bootstrap",
      "pythread_wrapper",
      "start_thread",
      "clone",
    ],
  },
  "CPython 3.10, static": {
    ...glibc,
    extension: unix("310-x86_64-linux-gnu"),
    python: "/usr/bin/python3.10",
    libc: "libc-2.31.so",
    glue: ["cfunction_call", "_PyObject_MakeTpCall", "PyObject_Vectorcall", "call_function"],
    abort: ["gsignal", "abort"],
  },
  "free-threaded CPython 3.13": {
    ...glibc,
    extension: unix("313t-x86_64-linux-gnu"),
    python: "libpython3.13t.so.1.0",
    glue: ["cfunction_vectorcall_NOARGS", "_PyObject_VectorcallTstate"],
  },
  "CPython 3.15": {
    ...glibc,
    extension: (object) => `${object}.abi3.so`,
    python: "python3.15",
    glue: ["_Py_BuiltinCallFast_StackRef"],
  },
  aarch64: {
    ...glibc,
    extension: unix("312-aarch64-linux-gnu"),
    copies: ["__memcpy_generic", "__strlen_asimd", "__GI_memcpy"],
  },
  musl: {
    ...glibc,
    extension: unix("312-x86_64-linux-musl"),
    libc: "ld-musl-x86_64.so.1",
    copies: ["memcpy", "strlen"],
    abort: ["__restore_sigs", "raise", "abort"],
    main: ["Py_RunMain", "Py_BytesMain", "libc_start_main_stage2", "_start"],
    thread: ["thread_run", "pythread_wrapper", "start", "__clone"],
  },
  Windows: {
    extension: (object) => `${object}.cp312-win_amd64.pyd`,
    libc: "VCRUNTIME140.dll",
    python: "python312.dll",
    copies: ["memcpy", "strlen"],
    glue: ["cfunction_vectorcall_FASTCALL", "PyObject_Vectorcall"],
    abort: ["abort"],
    main: [
      "Py_RunMain",
      "Py_Main",
      "__scrt_common_main_seh",
      "BaseThreadInitThunk",
      "RtlUserThreadStart",
    ],
    thread: ["thread_run", "bootstrap", "BaseThreadInitThunk", "RtlUserThreadStart"],
  },
};

const word = fc.constantFrom("load", "parse", "resize", "charge", "index", "merge", "scan");
const call = fc.record({
  object: fc.constantFrom("codec", "ops", "_speedups"),
  owner: fc.constantFrom("Image", "Row", "Mat"),
  name: fc.tuple(word, word).map(([verb, noun]) => `${verb}_${noun}s`),
});
const calls = fc.array(call, { minLength: 1, maxLength: 6 });
const python = fc.array(
  fc.tuple(fc.constantFrom("media/thumbs.py", "billing/invoice.py", "worker.py"), word),
  { maxLength: 8 },
);
const death = fc.constantFrom<Death>(
  { reason: "SIGSEGV" },
  { reason: "SIGFPE" },
  { reason: "SIGABRT" },
);
const leaf = fc.boolean();

interface Scene {
  readonly chain: readonly Call[];
  readonly code: readonly (readonly [string, string])[];
  readonly copies: boolean;
  readonly how: Death;
}
const scene: fc.Arbitrary<Scene> = fc.record({
  chain: calls,
  code: python,
  copies: leaf,
  how: death,
});

const spelled = ({ owner, name }: Call): string => `ns::${owner}<float>::${name}(int)`;
const frames = (object: string, names: readonly string[]): FrameFields[] =>
  names.map((name) => native(object, name));

/** The native frames of `scene` on `machine`, the eval loop included. */
function nativeStack(
  { chain, copies, how }: Scene,
  machine: Machine,
  spell: (call: Call, index: number) => string = spelled,
): FrameFields[] {
  return [
    ...(how.reason === "SIGABRT" ? frames(machine.libc, machine.abort) : []),
    ...(copies ? frames(machine.libc, machine.copies.slice(0, 1)) : []),
    ...chain.map((each, index) => native(machine.extension(each.object), spell(each, index))),
    ...frames(machine.python, [...machine.glue, "_PyEval_EvalFrameDefault"]),
  ];
}
const pythonStack = ({ code }: Scene): FrameFields[] => code.map(([file, name]) => app(file, name));
const stackOn = (of: Scene, machine: Machine) => [...nativeStack(of, machine), ...pythonStack(of)];

const keysOf = (stack: readonly FrameFields[], how: Death) => {
  const { coarse, mid, fine, link } = groupReport(crash(stack, how));
  return { coarse, mid, fine, link };
};
const holds = (property: (of: Scene) => void): void => {
  fc.assert(fc.property(scene, property), { numRuns: 60 });
};

describe("keeps every key", () => {
  test.each(Object.entries(machines))("on %s", (_, machine) => {
    holds((of) => {
      // Which of a C library's copying functions died is the fine key's alone.
      const { fine: _ours, ...keys } = keysOf(stackOn(of, glibc), of.how);
      expect(keysOf(stackOn(of, machine), of.how)).toMatchObject(keys);
      const whole = { ...of, copies: false };
      expect(keysOf(stackOn(whole, machine), of.how)).toEqual(
        keysOf(stackOn(whole, glibc), of.how),
      );
    });
  });

  test("without native frames below Python's, or with them, of a thread or of the program", () => {
    holds((of) => {
      const own = [
        ...stackOn(of, glibc),
        app("shop/own.py", "own_work"),
        app("shop/own.py", "work"),
      ];
      const keys = keysOf(own, of.how);
      const main = [...own, ...mainBase, ...frames(glibc.python, glibc.main)];
      const thread = [...own, ...threadBase, ...frames(glibc.python, glibc.thread)];
      const { fine: _, ...same } = keys;
      expect(keysOf(main, of.how)).toMatchObject(same);
      expect(keysOf(thread, of.how)).toMatchObject(same);
    });
  });

  test("in clones, with other template arguments, in another debugger's spelling", () => {
    const spellings: readonly ((call: Call) => string)[] = [
      ({ owner, name }) => `ns::${owner}<double>::${name}(int) [clone .cold]`,
      ({ owner, name }) => `ns::${owner}<std::pair<int, ns::Row<char> > >::${name}`,
      ({ owner, name }) => `static bool ns::${owner}<int>::${name}(std::string const&, int) const`,
      ({ owner, name }) => `ns::${owner}<float>::${name}(int) (.part.0)`,
      ({ owner, name }) => `ns::${owner}<float>::${name}(int)@@CODEC_2.1`,
    ];
    const which = fc.array(fc.nat({ max: spellings.length - 1 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(scene, which, (of, choice) => {
        const respelled = nativeStack(of, glibc, (each, index) => spellings[choice[index]!]!(each));
        expect(keysOf([...respelled, ...pythonStack(of)], of.how)).toEqual(
          keysOf(stackOn(of, glibc), of.how),
        );
      }),
      { numRuns: 60 },
    );
  });

  test("wherever the objects were loaded, whatever release of the wheel they came in", () => {
    fc.assert(
      fc.property(scene, fc.integer({ min: 1, max: 0xffffff }), (of, slide) => {
        const moved = stackOn(of, glibc).map((frame, index) => {
          if (frame.language === "python") return frame;
          const at = `0x${(0x7f00_0000_0000 + slide * 4096 + index).toString(16)}`;
          const module = `/tmp/_MEI${slide}/${frame.module}`;
          return { ...frame, module, pc: at, offset: `0x${slide.toString(16)}`, line: slide };
        });
        expect(keysOf(moved, of.how)).toEqual(keysOf(stackOn(of, glibc), of.how));
      }),
    );
    const wheel = (file: string) => groupReport(crash([native(file, "f")])).mid;
    const files = [
      "libtiles-5007b62f.so.3",
      "libtiles-r1-0a1b2c3d.so",
      "tiles-0123456789abcdef0123456789abcdef.dll",
      "libtiles.so.4.1.2",
    ];
    expect(new Set(files.map(wheel)).size).toBe(1);
  });

  test("with or without the handler's own frames on top", () => {
    const handlers = [
      ["raise", "<signal handler called>"],
      ["__pthread_kill_implementation", "__GI_raise", "__restore_rt"],
      ["kill", "faulthandler_fatal_error", "<signal handler called>"],
      ["crashpad::DumpAndCrash", "__restore_rt"],
    ];
    fc.assert(
      fc.property(scene, fc.constantFrom(...handlers), (of, handler) => {
        const stack = stackOn(of, glibc);
        expect(keysOf([...frames("libc.so.6", handler), ...stack], of.how)).toEqual(
          keysOf(stack, of.how),
        );
      }),
    );
  });

  test("with frames that a scan of the stack guessed, if they say so", () => {
    const guess = { ...native("acme.so", "left_over"), foundBy: "scan" };
    fc.assert(
      fc.property(scene, fc.array(fc.nat({ max: 20 }), { maxLength: 4 }), (of, places) => {
        const stack = stackOn(of, glibc);
        const spoilt: FrameFields[] = [...stack];
        for (const place of places) spoilt.splice(place % (spoilt.length + 1), 0, guess);
        expect(keysOf(spoilt, of.how)).toEqual(keysOf(stack, of.how));
      }),
    );
  });
});

describe("keeps the group", () => {
  test("with inlined calls shown or not, if they say so", () => {
    fc.assert(
      fc.property(scene, call, fc.nat({ max: 5 }), (of, inlined, place) => {
        const first = of.chain[0]!;
        const frame = { ...native(glibc.extension(first.object), spelled(inlined)), inline: true };
        const stack = stackOn(of, glibc);
        const from = stack.findIndex(({ function: name }) => name === spelled(first));
        const shown = stack.toSpliced(from + (place % of.chain.length), 0, frame);
        const { mid, coarse, link } = keysOf(stack, of.how);
        expect(keysOf(shown, of.how)).toMatchObject({ mid, coarse, link });
      }),
    );
  });

  test("a bus error for a segfault, an access violation of Windows for both", () => {
    holds((of) => {
      const stack = stackOn(of, glibc);
      const keys = ["SIGSEGV", "SIGBUS", "EXCEPTION_ACCESS_VIOLATION", "EXC_BAD_ACCESS"].map(
        (reason) => keysOf(stack, { reason }),
      );
      expect(keys.map(({ mid }) => mid)).toEqual(keys.map(() => keys[0]?.mid));
    });
  });

  test("with the bottom of the stack cut off", () => {
    fc.assert(
      fc.property(scene, fc.nat({ max: 12 }), (of, cut) => {
        const stack = stackOn(of, glibc);
        const kept = stack.slice(0, Math.max(stack.length - cut, nativeStack(of, glibc).length));
        expect(keysOf(kept, of.how).mid).toBe(keysOf(stack, of.how).mid);
      }),
    );
  });

  test("whoever called, and with Python's frames or without them", () => {
    fc.assert(
      fc.property(scene, python, (of, code) => {
        const mid = keysOf(stackOn(of, glibc), of.how).mid;
        expect(keysOf(stackOn({ ...of, code }, glibc), of.how).mid).toBe(mid);
        expect(keysOf(nativeStack(of, glibc), of.how).mid).toBe(mid);
      }),
    );
  });
});

test("without symbols the coarse key and the link stay, and the group waits for them", () => {
  fc.assert(
    fc.property(scene, (of) => {
      // that a function calls itself again and again cannot be seen without its name
      fc.pre(
        new Set(of.chain.map(({ owner, name }) => `${owner}.${name}`)).size === of.chain.length,
      );
      const stack = stackOn(of, glibc);
      const stripped = stack.map((frame) =>
        frame.module === glibc.extension(of.chain[0]!.object)
          ? { ...frame, function: null }
          : frame,
      );
      const keys = keysOf(stack, of.how);
      expect(keysOf(stripped, of.how)).toMatchObject({ coarse: keys.coarse, link: keys.link });
      expect(groupReport(crash(stripped, of.how)).confidence).toBe("low");
    }),
  );
});

test("every frame is explained, once and in order, and what is used has a token", () => {
  holds((of) => {
    const stack = [...stackOn(of, glibc), ...frames(glibc.python, glibc.main)];
    const { frames: told } = groupReport(crash(stack, of.how));
    expect(told.map(({ index }) => index)).toEqual(stack.map((_, index) => index));
    expect(told.filter(({ reason, role }) => reason === "" || role === "")).toEqual([]);
    expect(told.filter(({ token, usedIn }) => token === null && usedIn.length > 0)).toEqual([]);
  });
});

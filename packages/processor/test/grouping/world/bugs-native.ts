/** Bugs of extension modules and of the libraries they carry. */
import {
  abortFrames,
  calledFromPython,
  copyFrame,
  interpreterCalls,
  libcCalls,
} from "./machinery.ts";
import type { Dice } from "./dice.ts";
import {
  type NativeCall,
  type NativeFunc,
  type NativeObject,
  nativeFunc,
  nativeFuncs,
  plain,
} from "./native-code.ts";
import { packageFrames, type Program, type Site, siteOf, sitesOf, visit } from "./program.ts";
import { appFunc, type PyFunc } from "./python-code.ts";
import { type Bug, type Moment, native, python, type Scene } from "./scene.ts";

export const objectOf = (roll: Dice, program: Program, ...kinds: readonly string[]): NativeObject =>
  roll.pick(program.objects.filter(({ kind }) => kinds.includes(kind)));

/** A chain of calls inside one object, and the Python code around it. */
interface Reach {
  readonly chain: readonly NativeFunc[];
  readonly inlined: NativeFunc | null;
  readonly entries: readonly {
    readonly site: Site;
    readonly package: readonly PyFunc[];
    readonly via: readonly NativeFunc[];
  }[];
}

export function reachOf(roll: Dice, program: Program, object: NativeObject, sites: number): Reach {
  const shared = packageFrames(roll, object);
  return {
    chain: nativeFuncs(roll, object, 1 + roll.below(3)),
    inlined: roll.chance(0.25) ? nativeFunc(roll, object) : null,
    entries: Array.from({ length: sites }, (_, index) => ({
      site: siteOf(roll, program),
      package: index === 0 || roll.chance(0.5) ? shared : packageFrames(roll, object),
      via: index === 0 ? [] : nativeFuncs(roll, object, roll.below(2)),
    })),
  };
}

/** What stands above the eval loop, and below it. `top` lies above the chain. */
export function sceneOf(
  { roll, host, release }: Moment,
  reach: Reach,
  top: readonly NativeCall[],
  death: Scene["death"],
): Scene {
  const entry = roll.chance(0.6) ? reach.entries[0]! : roll.pick(reach.entries);
  const inlined = reach.inlined === null ? [] : [{ ...reach.inlined, inline: true }];
  const inPackage = roll.chance(release < 5 ? 0.9 : 0.75) ? entry.package : [];
  return {
    death,
    layers: [
      native(
        top,
        inlined,
        reach.chain,
        entry.via,
        glue(roll, reach.chain[0]!.object),
        calledFromPython(roll, host),
      ),
      python(inPackage, visit(roll, entry.site, release)),
    ],
    thread: entry.site.service.thread,
    mayReraise: true,
    greenlet: roll.chance(0.05),
  };
}

/** The binder's frames between an extension's code and the interpreter. */
export function glue(roll: Dice, object: NativeObject): readonly NativeCall[] {
  switch (object.language) {
    case "c":
      return [];
    case "c++":
      return roll.chance(0.6)
        ? [plain(object, "pybind11::cpp_function::dispatcher(_object*, _object*, _object*)")]
        : [
            plain(
              object,
              "nanobind::detail::nb_func_vectorcall_simple(_object*, _object* const*, unsigned long, _object*)",
            ),
          ];
    case "cython":
      return [
        plain(object, `__pyx_pw_4core_${roll.between(1, 99)}call`),
        plain(object, "__Pyx_CyFunction_Vectorcall_FASTCALL_KEYWORDS"),
      ];
    case "rust":
      return [plain(object, "pyo3::impl_::trampoline::trampoline::h0123456789abcdef")];
  }
}

/** Bugs that lie close together: two functions of one library that the same code reaches. */
const neighbours = new WeakMap<Program, Reach>();

function reachNear(roll: Dice, program: Program, object: NativeObject): Reach {
  const fresh = reachOf(roll, program, object, sitesOf(roll, program));
  const near = neighbours.get(program);
  neighbours.set(program, fresh);
  if (near === undefined || !roll.chance(0.2)) return fresh;
  const chain = [nativeFunc(roll, near.chain[0]!.object), ...near.chain.slice(roll.below(2))];
  if (roll.chance(0.6)) return { ...near, chain, inlined: null };
  const entries = near.entries.map((entry) => ({
    ...entry,
    site: { ...entry.site, own: [appFunc(roll), ...entry.site.own] },
  }));
  return { ...fresh, entries };
}

export function badAccess(roll: Dice, program: Program, id: string): Bug {
  const reach = reachNear(
    roll,
    program,
    objectOf(roll, program, "extension", "extension", "library"),
  );
  const reason = roll.pick(["SIGSEGV", "SIGSEGV", "SIGSEGV", "SIGFPE"]);
  const copies = roll.chance(0.25);
  return {
    id,
    bugClass: "native bug",
    happen: (moment) => {
      const bus = reason === "SIGSEGV" && moment.roll.chance(0.08);
      const top = copies ? [copyFrame(moment.roll, moment.host)] : [];
      return sceneOf(moment, reach, top, { reason: bus ? "SIGBUS" : reason });
    },
  };
}

/** A build for a newer processor: whichever kernel is called first dies. */
export function illegalInstruction(roll: Dice, program: Program, id: string): Bug {
  const object = objectOf(roll, program, "extension", "library");
  const reach = reachOf(roll, program, object, sitesOf(roll, program));
  const kernels = nativeFuncs(roll, object, 1 + roll.below(4));
  const intrinsics = nativeFuncs(roll, object, 3);
  return {
    id,
    bugClass: "illegal instruction",
    happen: (moment) => {
      const { roll: now } = moment;
      const top = [
        ...(now.chance(0.6) ? [{ ...now.pick(intrinsics), inline: true }] : []),
        now.pick(kernels),
      ];
      return sceneOf(moment, { ...reach, inlined: null }, top, { reason: "SIGILL" });
    },
  };
}

const expressions = [
  "n > 0",
  "ptr != NULL",
  "size == capacity",
  "index < length",
  "state == READY",
  "ctx",
  "refcount >= 1",
  "it != end()",
];

export function assertion(roll: Dice, program: Program, id: string): Bug {
  const object = objectOf(roll, program, "extension", "library");
  const reach = reachOf(roll, program, object, sitesOf(roll, program));
  const [failed] = reach.chain;
  const expression = roll.chance(0.5)
    ? roll.pick(expressions)
    : `${failed!.owner}->${failed!.name} != 0`;
  const style = roll.pick(["assert", "assert", "check", "glog", "torch", "glib"] as const);
  const file = `${object.name}_${failed!.owner}.c`;
  const lines = roll.between(20, 900);
  return {
    id,
    bugClass: "assertion",
    happen: (moment) => {
      const { roll: now, host, release } = moment;
      const line = lines + release * 3;
      const message = wordsOf(now, host.system, style, {
        expression,
        file,
        line,
        name: failed!.name,
      });
      const chain = [...abortFrames(now, host), ...chains[style](now, host.system, object)];
      return sceneOf(moment, { ...reach, inlined: null }, chain, { reason: "SIGABRT", message });
    },
  };
}

interface Said {
  readonly expression: string;
  readonly file: string;
  readonly line: number;
  readonly name: string;
}

function wordsOf(
  roll: Dice,
  os: string,
  style: string,
  { expression, file, line, name }: Said,
): string {
  const path = roll.pick([file, `src/${file}`, `/builds/${roll.below(1e6)}/src/${file}`]);
  const got = `(${roll.below(100)} vs. ${roll.below(100)})`;
  switch (style) {
    case "check":
      return `${path}:${line}: Check failed: ${expression} ${got}`;
    case "glog":
      return `F0${roll.between(1, 9)}12 1${roll.below(9)}:00:0${roll.below(9)}.${roll.between(100_000, 999_999)} ${roll.between(100, 30_000)} ${file}:${line}] Check failed: ${expression} ${got}`;
    case "torch":
      return `${expression} INTERNAL ASSERT FAILED at "${path}":${line}, please report a bug to PyTorch. got ${roll.below(100)} at 0x7f${roll.between(0x10000000, 0xfffffff0).toString(16)}`;
    case "glib":
      return `**\nERROR:${path}:${line}:${name}: assertion failed: (${expression})`;
    default:
      if (os === "musl") return `Assertion failed: ${expression} (${path}: ${name}: ${line})`;
      if (os === "windows") return `Assertion failed: ${expression}, file ${path}, line ${line}`;
      return `${roll.pick(["python3", "python", "uwsgi", "gunicorn"])}: ${path}:${line}: ${name}: Assertion \`${expression}' failed.`;
  }
}

const chains = {
  assert: (roll: Dice, os: string) =>
    os === "windows"
      ? libcCalls("common_assert_to_stderr<wchar_t> _wassert")
      : os === "musl"
        ? libcCalls("__assert_fail")
        : libcCalls(
            roll.pick([
              "__assert_fail_base.cold __GI___assert_fail",
              "__assert_fail_base __assert_fail",
              "__assert_fail",
            ]),
          ),
  check: (_: Dice, __: string, object: NativeObject) => [
    plain(object, "absl::lts_20240116::log_internal::LogMessage::FailWithoutStackTrace()"),
    plain(object, "absl::lts_20240116::log_internal::LogMessageFatal::~LogMessageFatal()"),
  ],
  glog: (_: Dice, __: string, object: NativeObject) => [
    plain(object, "google::LogMessage::Fail()"),
    plain(object, "google::LogMessage::SendToLog()"),
    plain(object, "google::LogMessage::Flush()"),
    plain(object, "google::LogMessageFatal::~LogMessageFatal()"),
  ],
  torch: (_: Dice, __: string, object: NativeObject) => [
    ...unwound(object),
    plain(
      object,
      "c10::detail::torchInternalAssertFail(char const*, char const*, unsigned int, char const*, std::string const&)",
    ),
  ],
  glib: (_: Dice, __: string, object: NativeObject) => [
    plain(object, "g_assertion_message"),
    plain(object, "g_assertion_message_expr"),
  ],
} as const;

const unwound = (object: NativeObject): readonly NativeCall[] => [
  plain(
    { ...object, kind: "system", name: "libstdc++" },
    "__gnu_cxx::__verbose_terminate_handler()",
  ),
  plain({ ...object, kind: "system", name: "libstdc++" }, "__cxxabiv1::__terminate(void (*)())"),
  plain({ ...object, kind: "system", name: "libstdc++" }, "std::terminate()"),
  plain({ ...object, kind: "system", name: "libstdc++" }, "__cxa_throw"),
];

export function abortion(roll: Dice, program: Program, id: string): Bug {
  const object = objectOf(roll, program, "extension", "library");
  const reach = reachOf(roll, program, object, sitesOf(roll, program));
  const way = roll.pick([
    "terminate",
    "panic",
    "fortify",
    "smash",
    "plain",
    "fatal",
    "pure",
  ] as const);
  const what = roll.pick([
    "bad allocation",
    "vector::_M_range_check",
    "unexpected end of stream",
    "map::at",
    "lock order",
  ]);
  return {
    id,
    bugClass: "abort",
    happen: (moment) => {
      const { roll: now, host } = moment;
      const { frames, message } = lastWords(now, way, what, object);
      return sceneOf(moment, { ...reach, inlined: null }, [...abortFrames(now, host), ...frames], {
        reason: "SIGABRT",
        message,
      });
    },
  };
}

function lastWords(
  roll: Dice,
  way: string,
  what: string,
  object: NativeObject,
): { frames: readonly NativeCall[]; message: string | null } {
  switch (way) {
    case "terminate":
      return {
        frames: unwound(object).slice(0, roll.pick([3, 4])),
        message: `terminate called after throwing an instance of 'std::runtime_error'\n  what():  ${what} at ${roll.below(10_000)}`,
      };
    case "panic": {
      const rust = (names: string) =>
        names
          .split(" ")
          .map((name) =>
            plain(object, `${name}::h${roll.between(0x10000000, 0xffffffff).toString(16)}12345678`),
          );
      const place = `src/${object.name}.rs:${roll.between(10, 400)}:${roll.below(80)}`;
      const words = `index out of bounds: the len is ${roll.below(100)} but the index is ${roll.below(1000)}`;
      return {
        frames: [
          ...rust("std::sys::unix::abort_internal"),
          plain(object, "rust_panic"),
          ...rust(
            "std::panicking::rust_panic_with_hook std::panicking::begin_panic_handler::{{closure}}",
          ),
          plain(object, "rust_begin_unwind"),
          ...rust("core::panicking::panic_fmt core::panicking::panic_bounds_check"),
        ],
        message: roll.chance(0.5)
          ? `thread '<unnamed>' panicked at ${place}:\n${words}`
          : `thread 'main' panicked at '${words}', ${place}`,
      };
    }
    case "fortify":
      return {
        frames: libcCalls("__libc_message __GI___fortify_fail __GI___chk_fail __memcpy_chk"),
        message: "*** buffer overflow detected ***: terminated",
      };
    case "smash":
      return {
        frames: libcCalls("__libc_message __fortify_fail __stack_chk_fail"),
        message: "*** stack smashing detected ***: terminated",
      };
    case "fatal":
      return {
        frames: interpreterCalls("fatal_error_exit fatal_error _Py_FatalErrorFunc"),
        message: `Fatal Python error: ${object.name}_check: ${what} at 0x7f${roll.between(0x10000000, 0xffffffff).toString(16)}`,
      };
    case "pure":
      return {
        frames: [
          ...unwound(object).slice(1, 3),
          plain({ ...object, kind: "system", name: "libstdc++" }, "__cxa_pure_virtual"),
        ],
        message: "pure virtual method called\nterminate called without an active exception",
      };
    default:
      return { frames: [], message: null };
  }
}

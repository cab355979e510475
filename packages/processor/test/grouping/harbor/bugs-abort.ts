/** Native code that ends the process itself: assertions of three languages, and fatal helpers. */
import type { Dice } from "../world/dice.ts";
import { hash, weighted } from "./chance.ts";
import { type Fleet, objectNamed } from "./fleet.ts";
import { libcOf, type Moment } from "./images.ts";
import { nativeLine } from "./lines.ts";
import { native, type NativeFrame } from "./native-frame.ts";
import { oftenGuilty, pickObject, sourceOf } from "./objects.ts";
import { odds } from "./probabilities.ts";
import { type Reach, reachOf, reached } from "./reach.ts";
import { type Bug, died, kindOn } from "./scene.ts";
import { abortFrames, terminateFrames } from "./system-frames.ts";

type Language = keyof typeof odds.assertionLanguage;

const conditions: Readonly<Record<string, readonly string[]>> = {
  ledger: [
    "hdr->magic == JOURNAL_MAGIC",
    "p->refs > 0",
    "node->left != node",
    "page->used <= PAGE_CAP",
    "rc == 0",
    "amount_valid(&e->amount)",
  ],
  zstd: ["op <= oend", "dctx->expected > 0", "srcSize <= ZSTD_BLOCKSIZE_MAX"],
  uvloop: [
    "handle->flags & UV_HANDLE_ACTIVE",
    "!uv__io_active(&stream->io_watcher, POLLIN)",
    "stream->shutdown_req == NULL",
    "timeout != -1",
  ],
  umath: ["PyArray_Check(arr)", "itemsize > 0", "ndim <= NPY_MAXDIMS"],
  avcodec: ["h->cur_pic_ptr", "sl->mb_x < sl->mb_width", "buf->refcount > 0"],
  feathash: ["idx < self->len", "self->buf != NULL", "mask + 1 == cap"],
};
const throwing: ReadonlySet<string> = new Set([
  "geocore",
  "visnat",
  "arrow",
  "cam",
  "cygrpc",
  "torch",
]);

const exceptions = [
  "std::out_of_range",
  "std::bad_alloc",
  "std::runtime_error",
  "std::logic_error",
  "std::system_error",
  "std::length_error",
  "std::bad_function_call",
] as const;
type Exception = (typeof exceptions)[number];

const panics = {
  index: "core::panicking::panic_bounds_check",
  unwrap: "core::option::unwrap_failed",
  slice: "core::slice::index::slice_end_index_len_fail",
  overflow: "core::panicking::panic_const::panic_const_sub_overflow",
} as const;
type Panic = keyof typeof panics;

/** How a process ended itself: the frames inside its guilty function, and what it said. */
interface Words {
  readonly frames: readonly NativeFrame[];
  readonly message: string;
}

export function assertion(roll: Dice, fleet: Fleet, id: number): Bug {
  const language = weighted(roll, odds.assertionLanguage);
  const suits: Record<Language, (key: string, binding: string) => boolean> = {
    c: (key) => key in conditions,
    cpp: (key) => throwing.has(key),
    rust: (_, binding) => binding === "rust",
  };
  const object = pickObject(roll, fleet.objects, ({ key, binding }) =>
    suits[language](key, binding),
  );
  const reach = reachOf(roll, fleet, object, roll.pick(oftenGuilty(object)));
  const condition = roll.pick(conditions[object.key] ?? ["n > 0"]);
  const exception = roll.pick(exceptions);
  const panic = roll.pick(Object.keys(panics) as readonly Panic[]);
  return {
    services: reach.services,
    happen: (now, moment) => {
      const line = nativeLine(fleet, object, reach.guilty, moment, reach.site);
      const said = { reach, id, line };
      const { frames, message } =
        language === "c"
          ? failedAssert(moment, said, condition)
          : language === "cpp"
            ? uncaught(now, moment, said, exception)
            : panicked(now, moment, said, panic);
      const stack = reached(fleet, reach, now, moment, frames);
      return died(stack, kindOn(moment, "SIGABRT"), { message });
    },
  };
}

interface Said {
  readonly reach: Reach;
  readonly id: number;
  readonly line: number;
}

const withoutParameters = (name: string): string => name.replace(/\(.*/, "");

function failedAssert(moment: Moment, { reach, line }: Said, condition: string): Words {
  const { image, service } = moment;
  const source = sourceOf(reach.object, reach.guilty);
  const name = withoutParameters(reach.guilty);
  switch (libcOf(moment)) {
    case "win":
      return {
        frames: [...abortFrames(moment), native("ucrt", "_wassert")],
        message: `Assertion failed: ${condition}, file ${source}, line ${line}`,
      };
    case "musl":
      return {
        frames: [...abortFrames(moment), native("libc", "__assert_fail")],
        message: `Assertion failed: ${condition} (${source}: ${name}: ${line})`,
      };
    case "glibc": {
      const base = image.newGlibc ? "__assert_fail_base.cold" : "__assert_fail_base";
      const program = service === "web" ? "gunicorn" : service === "celery" ? "celery" : "python3";
      return {
        frames: [
          ...abortFrames(moment),
          native("libc", base),
          native("libc", "__GI___assert_fail"),
        ],
        message: `${program}: ${source}:${line}: ${name}: Assertion \`${condition}' failed.`,
      };
    }
  }
}

/** The library's functions that throw for their caller. */
const thrower: Readonly<Partial<Record<Exception, string>>> = {
  "std::out_of_range": "std::__throw_out_of_range_fmt(char const*, ...)",
  "std::bad_alloc": "operator new(unsigned long)",
  "std::length_error": "std::__throw_length_error(char const*)",
  "std::bad_function_call": "std::__throw_bad_function_call()",
};

function uncaught(roll: Dice, moment: Moment, { reach, id }: Said, exception: Exception): Words {
  const thrown = thrower[exception];
  const frames =
    moment.system === "win"
      ? [native("ucrt", "terminate"), native("vcrt", "_CxxThrowException")]
      : [...terminateFrames, ...(thrown === undefined ? [] : [native("libstdcxx", thrown)])];
  const size = roll.between(2, 4000);
  const index = size + roll.between(0, 9);
  const what: Record<Exception, string> = {
    "std::out_of_range": `vector::_M_range_check: __n (which is ${index}) >= this->size() (which is ${size})`,
    "std::bad_alloc": "std::bad_alloc",
    "std::runtime_error": `unexpected state ${hash(id) % 7} in ${withoutParameters(reach.guilty).split("::").at(-1)}`,
    "std::logic_error": "basic_string: construction from null is not valid",
    "std::system_error": "Resource temporarily unavailable",
    "std::length_error": "vector::_M_default_append",
    "std::bad_function_call": "bad_function_call",
  };
  return {
    frames: [...abortFrames(moment), ...frames],
    message: `terminate called after throwing an instance of '${exception}'\n  what():  ${what[exception]}`,
  };
}

function panicked(roll: Dice, moment: Moment, { reach, id, line }: Said, panic: Panic): Words {
  const { object, guilty } = reach;
  const length = roll.between(1, 300);
  const index = length + roll.between(0, 5);
  const what: Record<Panic, string> = {
    index: `index out of bounds: the len is ${length} but the index is ${index}`,
    unwrap: "called `Option::unwrap()` on a `None` value",
    slice: `range end index ${length + 8} out of range for slice of length ${length}`,
    overflow: "attempt to subtract with overflow",
  };
  const thread = roll.chance(odds.panicInThread) ? "<unnamed>" : "main";
  const names = [
    "std::sys::pal::unix::abort_internal",
    "std::panicking::rust_panic_with_hook",
    "std::panicking::begin_panic_handler::{{closure}}",
    "std::sys::backtrace::__rust_end_short_backtrace",
    "rust_begin_unwind",
    "core::panicking::panic_fmt",
    panics[panic],
  ];
  return {
    frames: [...abortFrames(moment), ...names.map((name) => native(object.key, name))],
    message: `thread '${thread}' panicked at ${sourceOf(object, guilty)}:${line}:${5 + (hash(id) % 30)}:\n${what[panic]}`,
  };
}

/** Functions by which objects end the process, each in its own words. */
const fatalHelpers: Readonly<Record<string, readonly string[]>> = {
  geocore: ["hgeo::fatal(char const*, int, char const*)"],
  ledger: ["ledger_panic"],
  visnat: ["hv::check_failed(char const*, char const*, int)"],
  cygrpc: [
    "gpr_unreachable_code",
    "absl::lts_20230802::log_internal::LogMessageFatal::~LogMessageFatal()",
  ],
  arrow: ["arrow::util::ArrowLog::~ArrowLog()"],
  hsm: ["khsm_fatal"],
  torch: ["c10::impl::intrusive_ptr_fatal()"],
  uvloop: ["uv_fatal_error"],
  cam: ["arc::Fatal(char const*)"],
};
const fatalTexts = [
  "invariant violated",
  "unexpected response from device",
  "journal page out of order",
  "double release of frame",
  "unsupported state transition",
  "Check failed: status.ok()",
  "out of memory",
  "session table corrupted",
  "invalid handle",
];

export function abortion(roll: Dice, fleet: Fleet): Bug {
  const object = objectNamed(fleet, roll.pick(Object.keys(fatalHelpers)));
  const reach = reachOf(roll, fleet, object, roll.pick(oftenGuilty(object)));
  const helper = native(object.key, roll.pick(fatalHelpers[object.key]!), 2);
  const traps = roll.chance(odds.trap);
  const text = roll.pick(fatalTexts);
  return {
    services: reach.services,
    happen: (now, moment) => {
      const frames = traps ? [helper] : [...abortFrames(moment), helper];
      const stack = reached(fleet, reach, now, moment, frames);
      if (traps)
        return died(stack, kindOn(moment, moment.system === "aarch64" ? "SIGTRAP" : "SIGILL"));
      const line = nativeLine(fleet, object, reach.guilty, moment, reach.site);
      const message = `${logPrefix(now, reach, line)}${text}`;
      return died(stack, kindOn(moment, "SIGABRT"), { message });
    },
  };
}

function logPrefix(roll: Dice, { object, guilty }: Reach, line: number): string {
  switch (object.key) {
    case "hsm":
      return "[khsm] FATAL: ";
    case "cam":
      return "[arcus] FATAL: ";
    default: {
      const place = `${sourceOf(object, guilty)?.split("/").at(-1)}:${line}`;
      if (object.key !== "cygrpc") return `${place}: `;
      const digit6 = (): number => roll.between(100_000, 999_999);
      return `F0000 00:00:1718${digit6()}.${digit6()} ${roll.between(8, 4000)} ${place}] `;
    }
  }
}

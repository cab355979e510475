/**
 * `_Py_DebugOffsets`, with which `_PyRuntime` begins from 3.13 on: the process tells its own
 * layout.
 *
 * Include/internal/pycore_debug_offsets.h of 3.13.0, 3.14.10 and 3.15.2: an 8-byte cookie,
 * PY_VERSION_HEX, whether the build is free-threaded, then groups of u64, in the header's order
 * below. Not handled: previews of those versions whose groups were still others; a group whose
 * offsets lie outside of its own structure is refused.
 */
import type { Layout } from "./layout.ts";
import type { ProcessMemory } from "./process-memory.ts";

/** "xdebugpy" as a little-endian number. */
export const COOKIE = 0x7970_6775_6265_6478n;

type Groups = Readonly<Record<string, string>>;

const groups313 = {
  runtime_state: "size finalizing interpreters_head",
  interpreter_state: `size id next threads_head gc imports_modules sysdict builtins ceval_gil
    gil_runtime_state gil_runtime_state_enabled gil_runtime_state_locked gil_runtime_state_holder`,
  thread_state: `size prev next interp current_frame thread_id native_thread_id datastack_chunk
    status`,
  interpreter_frame: "size previous executable instr_ptr localsplus owner",
  code_object: `size filename name qualname linetable firstlineno argcount localsplusnames
    localspluskinds co_code_adaptive`,
  pyobject: "size ob_type",
  type_object: "size tp_name tp_repr tp_flags",
  tuple_object: "size ob_item ob_size",
  list_object: "size ob_item ob_size",
  dict_object: "size ma_keys ma_values",
  float_object: "size ob_fval",
  long_object: "size lv_tag ob_digit",
  bytes_object: "size ob_size ob_sval",
  unicode_object: "size state length asciiobject_size",
  gc: "size collecting",
} as const;

const groups314 = {
  runtime_state: "size finalizing interpreters_head",
  interpreter_state: `size id next threads_head threads_main gc imports_modules sysdict builtins
    ceval_gil gil_runtime_state gil_runtime_state_enabled gil_runtime_state_locked
    gil_runtime_state_holder code_object_generation tlbc_generation`,
  thread_state: `size prev next interp current_frame thread_id native_thread_id datastack_chunk
    status`,
  interpreter_frame: "size previous executable instr_ptr localsplus owner stackpointer tlbc_index",
  code_object: `size filename name qualname linetable firstlineno argcount localsplusnames
    localspluskinds co_code_adaptive co_tlbc`,
  pyobject: "size ob_type",
  type_object: "size tp_name tp_repr tp_flags",
  tuple_object: "size ob_item ob_size",
  list_object: "size ob_item ob_size",
  set_object: "size used table mask",
  dict_object: "size ma_keys ma_values",
  float_object: "size ob_fval",
  long_object: "size lv_tag ob_digit",
  bytes_object: "size ob_size ob_sval",
  unicode_object: "size state length asciiobject_size",
  gc: "size collecting",
} as const;

const groups315 = {
  runtime_state: "size finalizing interpreters_head",
  interpreter_state: `size id next threads_head threads_main gc imports_modules sysdict builtins
    ceval_gil gil_runtime_state gil_runtime_state_enabled gil_runtime_state_locked
    gil_runtime_state_holder code_object_generation tlbc_generation`,
  thread_state: `size prev next interp current_frame base_frame last_profiled_frame
    last_profiled_frame_seq thread_id native_thread_id datastack_chunk status holds_gil
    gil_requested current_exception exc_state`,
  err_stackitem: "exc_value",
  interpreter_frame: "size previous executable instr_ptr localsplus owner stackpointer tlbc_index",
  code_object: `size filename name qualname linetable firstlineno argcount localsplusnames
    localspluskinds co_code_adaptive co_tlbc`,
  pyobject: "size ob_type",
  type_object: "size tp_name tp_repr tp_flags tp_basicsize tp_dictoffset",
  heap_type_object: "size ht_cached_keys",
  tuple_object: "size ob_item ob_size",
  list_object: "size ob_item ob_size",
  set_object: "size used table mask",
  dict_object: "size ma_keys ma_values",
  float_object: "size ob_fval",
  long_object: "size lv_tag ob_digit",
  bytes_object: "size ob_size ob_sval",
  unicode_object: "size state length asciiobject_size compactunicodeobject_size",
  gc: "size collecting frame generation_stats_size generation_stats",
} as const;

const groupsOf: ReadonlyMap<number, Groups> = new Map<number, Groups>([
  [13, groups313],
  [14, groups314],
  [15, groups315],
]);

/** Groups whose offsets are used here. */
const used = new Set([
  "runtime_state",
  "interpreter_state",
  "thread_state",
  "interpreter_frame",
  "code_object",
  "bytes_object",
  "unicode_object",
]);

/** Values that are no offset into their group's structure. */
const noOffset = /^(?:size|gil_runtime_state_.*|.*object_size|tlbc_generation)$/;

/** The references of frames carry flags in their lowest bits from 3.14 on (`_PyStackRef`). */
const FIRST_MINOR_WITH_TAGS = 14;
/** `interned` takes 8 bits in free-threaded builds since then, 2 before. */
const FIRST_MINOR_WITH_WIDE_INTERNED = 14;

export type Refused = { readonly refused: string };

/** The layout that the process at `runtime` tells; null where it has no cookie there. */
export function describedLayout(memory: ProcessMemory, runtime: bigint): Layout | Refused | null {
  if (memory.word(runtime) !== COOKIE) return null;
  const version = memory.word(runtime + 8n);
  const freeThreaded = memory.word(runtime + 16n);
  if (version === null || freeThreaded === null) return { refused: "its description is cut off" };
  const hex = Number(version & 0xffff_ffffn);
  const minor = (hex >>> 16) & 0xff;
  const groups = hex >>> 24 === 3 ? groupsOf.get(minor) : undefined;
  if (groups === undefined) {
    return { refused: `Python ${versionText(hex)} has a layout that is not known here` };
  }
  const offsets = readGroups(memory, runtime + 24n, groups);
  if (typeof offsets === "string") return { refused: offsets };
  return layoutOf(offsets, minor, hex, freeThreaded !== 0n);
}

type Offsets = ReadonlyMap<string, number>;

/** "group.field" → value; or why they are refused. */
function readGroups(memory: ProcessMemory, start: bigint, groups: Groups): Offsets | string {
  const offsets = new Map<string, number>();
  let at = start;
  for (const [group, fields] of Object.entries(groups)) {
    for (const field of fields.split(/\s+/)) {
      const value = memory.word(at);
      if (value === null) return `its description is cut off at ${group}.${field}`;
      const size = offsets.get(`${group}.size`) ?? Infinity;
      const outside = !noOffset.test(field) && Number(value) >= size;
      if (outside && used.has(group))
        return `${group}.${field} is ${value}, outside of its ${size} bytes`;
      offsets.set(`${group}.${field}`, Number(value));
      at += 8n;
    }
  }
  return offsets;
}

function layoutOf(offsets: Offsets, minor: number, hex: number, freeThreaded: boolean): Layout {
  const at = (name: string): number => offsets.get(name) ?? 0;
  const copied = freeThreaded && offsets.has("code_object.co_tlbc");
  const ascii = at("unicode_object.asciiobject_size");
  const wide = freeThreaded && minor >= FIRST_MINOR_WITH_WIDE_INTERNED;
  return {
    minor,
    version: versionText(hex),
    runtime: { interpreters: at("runtime_state.interpreters_head"), collecting: null },
    interpreter: {
      next: at("interpreter_state.next"),
      threads: at("interpreter_state.threads_head"),
      collecting: at("interpreter_state.gc") + at("gc.collecting"),
    },
    thread: {
      next: at("thread_state.next"),
      interpreter: at("thread_state.interp"),
      ident: at("thread_state.thread_id"),
      nativeId: at("thread_state.native_thread_id"),
      top: at("thread_state.current_frame"),
    },
    cframe: null,
    frame: {
      previous: at("interpreter_frame.previous"),
      code: at("interpreter_frame.executable"),
      codeTags: minor >= FIRST_MINOR_WITH_TAGS ? 7n : 0n,
      instruction: at("interpreter_frame.instr_ptr"),
      counts: "pointer",
      owner: at("interpreter_frame.owner"),
      entry: null,
      bytecodeIndex: copied ? at("interpreter_frame.tlbc_index") : null,
    },
    code: {
      filename: at("code_object.filename"),
      name: at("code_object.name"),
      qualname: at("code_object.qualname"),
      lineTable: at("code_object.linetable"),
      firstLine: at("code_object.firstlineno"),
      bytecode: at("code_object.co_code_adaptive"),
      copies: copied ? at("code_object.co_tlbc") : null,
    },
    text: {
      length: at("unicode_object.length"),
      state: at("unicode_object.state"),
      ascii,
      // PyCompactUnicodeObject adds a length and a pointer.
      compact: at("unicode_object.compactunicodeobject_size") || ascii + 16,
      kindShift: wide ? 8 : 2,
    },
    bytes: { size: at("bytes_object.ob_size"), data: at("bytes_object.ob_sval") },
  };
}

const levels: Readonly<Record<number, string>> = { 0xa: "a", 0xb: "b", 0xc: "rc" };

/** PY_VERSION_HEX in words: 0x030d00f0 is "3.13.0", 0x030e00c1 "3.14.0rc1". */
export function versionText(hex: number): string {
  const numbers = `${hex >>> 24}.${(hex >>> 16) & 0xff}.${(hex >>> 8) & 0xff}`;
  const level = levels[(hex >>> 4) & 0xf];
  return level === undefined ? numbers : `${numbers}${level}${hex & 0xf}`;
}

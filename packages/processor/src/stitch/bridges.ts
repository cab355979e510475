/**
 * What the native functions between two activations of the eval loop tell of the Python function
 * that they called: `slot_tp_init` calls `__init__`, `builtin_exec` a module's body.
 *
 * Objects/typeobject.c (slots), Python/bltinmodule.c, Python/import.c, Objects/genobject.c.
 */
import type { EntryWay } from "@faultline/pyc";
import type { Activation } from "../native/frames.ts";
import { isMachinery } from "./roles.ts";

/** Names of native functions, innermost first. */
export type Bridge = readonly string[];

/** Between each two neighbours of `loops`, what was inlined into the outer one included. */
export function bridgesOf(
  activations: readonly Activation[],
  loops: readonly number[],
): readonly Bridge[] {
  return loops.slice(1).map((outer, index) =>
    activations.slice(loops[index]! + 1, outer + 1).flatMap(({ frames }, at, all) => {
      const inside = at === all.length - 1 ? frames.slice(0, -1) : frames;
      return inside.map(({ function: name }) => name).filter((name) => name !== null);
    }),
  );
}

const FITS = 2;
const MAY_FIT = 1;
const MISFITS = -1;

/** Objects/genobject.c: these resume generators and coroutines. */
const resumes = /^(?:_?gen_|_PyGen_|coro_|async_gen_)/;
const special = /^__\w+__$/;

/**
 * How well a function of that name fits below the bridge; 0 where nothing is told. `ways`: how the
 * caller's line can have entered it.
 */
export function fitOf(bridge: Bridge, callee: string, ways: readonly EntryWay[]): number {
  let calls = false;
  for (const name of bridge) {
    const expected = expectedBy(name);
    if (expected !== null) return expected.test(callee) ? FITS : MISFITS;
    if (resumes.test(name)) return isResumed(callee, ways) ? FITS : 0;
    calls ||= !isMachinery(name);
  }
  if (calls) return special.test(callee) ? MISFITS : MAY_FIT;
  return ways.some(({ by }) => by === "other" || by === "enter") ? MAY_FIT : 0;
}

const isResumed = (callee: string, ways: readonly EntryWay[]): boolean =>
  callee === "<genexpr>" || ways.some(({ by }) => by === "iteration" || by === "send");

const expectations = new Map<string, RegExp | null>();

function expectedBy(name: string): RegExp | null {
  const known = expectations.get(name);
  if (known !== undefined) return known;
  const found = expectationOf(name);
  if (expectations.size < MAX_KNOWN_FUNCTIONS) expectations.set(name, found);
  return found;
}

const MAX_KNOWN_FUNCTIONS = 1024;

function expectationOf(name: string): RegExp | null {
  const slot = /^slot_(?:tp|nb|sq|mp|am|bf)_(inplace_)?(\w+)$/.exec(name);
  if (slot !== null) return specialMethods(slot[2]!, slot[1] !== undefined);
  return told.find(([functions]) => functions.test(name))?.[1] ?? null;
}

const told: readonly (readonly [functions: RegExp, callees: RegExp])[] = [
  [/^(?:builtin_exec|builtin_exec_impl|exec_code_in_module|run_eval_code_obj)$/, /^<module>$/],
  [
    /^(?:builtin___import__|PyImport_Import\w*|import_find_and_load|import_name)$/,
    /^_find_and_load$|^_handle_fromlist$|^__import__$/,
  ],
  [/^builtin___build_class__$/, /^[^\W_]\w*$/],
  [/^(?:PyObject_CallFinalizer|PyObject_CallFinalizerFromDealloc)$/, /^__del__$|^</],
];

/** Slots whose methods are not called after them. */
const slotMethods: Readonly<Record<string, string>> = {
  ass_subscript: "setitem|delitem",
  ass_item: "setitem|delitem",
  item: "getitem",
  subscript: "getitem",
  length: "len",
  bool: "bool|len",
  iternext: "next",
  finalize: "del",
  getattro: "getattribute|getattr",
  getattr_hook: "getattribute|getattr",
  setattro: "setattr|delattr",
  richcompare: "lt|le|eq|ne|gt|ge",
  descr_get: "get",
  descr_set: "set|delete",
  true_divide: "truediv|rtruediv",
  floor_divide: "floordiv|rfloordiv",
  remainder: "mod|rmod",
  subtract: "sub|rsub",
  multiply: "mul|rmul",
  matrix_multiply: "matmul|rmatmul",
  negative: "neg",
  positive: "pos",
  absolute: "abs",
  power: "pow|rpow",
};

function specialMethods(slot: string, inPlace: boolean): RegExp {
  const names = slotMethods[slot] ?? `${slot}|r${slot}`;
  const forms = inPlace ? `${names}|i${names.split("|")[0]}` : names;
  return new RegExp(`^__(?:${forms})__$`);
}

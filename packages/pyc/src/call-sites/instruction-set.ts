/** The instructions of one CPython version as columns by opcode: what the search for call sites looks up. */
import * as python311 from "../opcodes/python311.ts";
import * as python312 from "../opcodes/python312.ts";
import * as python313 from "../opcodes/python313.ts";
import * as python314 from "../opcodes/python314.ts";
import * as python315 from "../opcodes/python315.ts";
import { slotsOfJump, stackEffect } from "../opcodes/stack-effects.ts";
import { SiteKind } from "./kinds.ts";

interface Opcodes {
  readonly opcodes: Readonly<Record<string, number>>;
  readonly inlineCaches: Readonly<Record<string, number>>;
}

const versions: Readonly<Record<number, Opcodes>> = {
  11: python311,
  12: python312,
  13: python313,
  14: python314,
  15: python315,
};

/**
 * Instructions whose operands the search follows; the others only move the stack. In the order in which
 * follower.ts takes them together: loads, attributes and calls, stores, the rest.
 */
export const Role = {
  none: 0,
  extendedArg: 1,
  loadConst: 2,
  loadName: 3,
  loadGlobal: 4,
  loadLocal: 5,
  loadTwoLocals: 6,
  loadBuildClass: 7,
  pushNull: 8,
  loadAttribute: 9,
  loadMethod: 10,
  loadSuperAttribute: 11,
  makeFunction: 12,
  setFunctionAttribute: 13,
  copy: 14,
  swap: 15,
  call: 16,
  callEx: 17,
  storeName: 18,
  storeGlobal: 19,
  storeLocal: 20,
  storeAndLoadLocal: 21,
  storeTwoLocals: 22,
  deleteGlobal: 23,
  unpackSequence: 24,
  unpackEx: 25,
  formatValue: 26,
  buildInterpolation: 27,
  buildMap: 28,
  buildSet: 29,
  extend: 30,
  binaryOperator: 31,
  intrinsic: 32,
  storeAttribute: 33,
  importStar: 34,
  importFrom: 35,
  /** No instruction of the version. */
  unknown: 36,
} as const;

export const Flow = { next: 0, jump: 1, jumpAlways: 2, end: 3 } as const;

export interface InstructionSet {
  readonly minor: number;
  readonly pops: Int8Array;
  readonly pushes: Int8Array;
  readonly popsPerUnit: Int8Array;
  /** Code units of inline cache behind it. */
  readonly caches: Uint8Array;
  readonly roles: Uint8Array;
  /** SiteKind; 0: it enters no function. */
  readonly kinds: Uint8Array;
  readonly flows: Uint8Array;
  readonly jumpSlots: Int8Array;
}

const built = new Map<number, InstructionSet>();

/** Null for versions that have no columns, so that nobody asks for call sites. */
export function instructionSet(minor: number): InstructionSet | null {
  const source = versions[minor];
  if (source === undefined) return null;
  let set = built.get(minor);
  if (set === undefined) {
    set = build(minor, source);
    built.set(minor, set);
  }
  return set;
}

function build(minor: number, { opcodes, inlineCaches }: Opcodes): InstructionSet {
  const bytes = (): Uint8Array => new Uint8Array(256);
  const signed = (): Int8Array => new Int8Array(256);
  const set: InstructionSet = {
    minor,
    pops: signed(),
    pushes: signed(),
    popsPerUnit: signed(),
    caches: bytes(),
    roles: bytes().fill(Role.unknown),
    kinds: bytes(),
    flows: bytes(),
    jumpSlots: signed(),
  };
  for (const [name, op] of Object.entries(opcodes)) {
    const effect = stackEffect(name, minor);
    if (effect === undefined) throw new Error(`${name} of CPython 3.${minor} has no stack effect`);
    set.pops[op] = effect[0];
    set.pushes[op] = effect[1];
    set.popsPerUnit[op] = effect[2] ?? 0;
    set.caches[op] = inlineCaches[name] ?? 0;
    set.roles[op] = Role[roles[name] ?? "none"];
    set.kinds[op] = kindOf(name, minor);
    set.flows[op] = flowOf(name);
    set.jumpSlots[op] = slotsOfJump(name, minor);
  }
  return set;
}

const roles: Readonly<Record<string, keyof typeof Role>> = {
  EXTENDED_ARG: "extendedArg",
  LOAD_CONST: "loadConst",
  LOAD_SMALL_INT: "loadConst",
  LOAD_NAME: "loadName",
  LOAD_GLOBAL: "loadGlobal",
  LOAD_FAST: "loadLocal",
  LOAD_FAST_BORROW: "loadLocal",
  LOAD_FAST_CHECK: "loadLocal",
  LOAD_DEREF: "loadLocal",
  LOAD_FAST_LOAD_FAST: "loadTwoLocals",
  LOAD_FAST_BORROW_LOAD_FAST_BORROW: "loadTwoLocals",
  LOAD_BUILD_CLASS: "loadBuildClass",
  PUSH_NULL: "pushNull",
  LOAD_ATTR: "loadAttribute",
  LOAD_METHOD: "loadMethod",
  LOAD_SUPER_ATTR: "loadSuperAttribute",
  MAKE_FUNCTION: "makeFunction",
  SET_FUNCTION_ATTRIBUTE: "setFunctionAttribute",
  COPY: "copy",
  SWAP: "swap",
  CALL: "call",
  CALL_KW: "call",
  CALL_FUNCTION_EX: "callEx",
  STORE_NAME: "storeName",
  STORE_GLOBAL: "storeGlobal",
  STORE_FAST: "storeLocal",
  STORE_DEREF: "storeLocal",
  STORE_FAST_LOAD_FAST: "storeAndLoadLocal",
  STORE_FAST_STORE_FAST: "storeTwoLocals",
  DELETE_NAME: "deleteGlobal",
  DELETE_GLOBAL: "deleteGlobal",
  UNPACK_SEQUENCE: "unpackSequence",
  UNPACK_EX: "unpackEx",
  FORMAT_VALUE: "formatValue",
  BUILD_INTERPOLATION: "buildInterpolation",
  BUILD_MAP: "buildMap",
  BUILD_SET: "buildSet",
  LIST_EXTEND: "extend",
  SET_UPDATE: "extend",
  BINARY_OP: "binaryOperator",
  CALL_INTRINSIC_1: "intrinsic",
  STORE_ATTR: "storeAttribute",
  DELETE_ATTR: "storeAttribute",
  IMPORT_STAR: "importStar",
  IMPORT_FROM: "importFrom",
};

/** Those whose argument tells the kind have the kind of one of their arguments here. */
const kinds: Readonly<Record<string, number>> = {
  BINARY_OP: SiteKind.operator,
  CALL_INTRINSIC_1: SiteKind.importStar,
  CALL: SiteKind.call,
  CALL_KW: SiteKind.call,
  CALL_FUNCTION_EX: SiteKind.call,
  LOAD_ATTR: SiteKind.attribute,
  LOAD_METHOD: SiteKind.method,
  LOAD_SUPER_ATTR: SiteKind.attribute,
  STORE_ATTR: SiteKind.storeAttribute,
  DELETE_ATTR: SiteKind.deleteAttribute,
  COMPARE_OP: SiteKind.compare,
  CONTAINS_OP: SiteKind.contains,
  BINARY_SUBSCR: SiteKind.subscript,
  BINARY_SLICE: SiteKind.subscript,
  STORE_SUBSCR: SiteKind.storeSubscript,
  STORE_SLICE: SiteKind.storeSubscript,
  DELETE_SUBSCR: SiteKind.deleteSubscript,
  UNARY_NEGATIVE: SiteKind.negative,
  UNARY_POSITIVE: SiteKind.positive,
  UNARY_INVERT: SiteKind.invert,
  UNARY_NOT: SiteKind.truth,
  TO_BOOL: SiteKind.truth,
  GET_ITER: SiteKind.iterator,
  GET_YIELD_FROM_ITER: SiteKind.iterator,
  FOR_ITER: SiteKind.iterate,
  UNPACK_SEQUENCE: SiteKind.iterate,
  UNPACK_EX: SiteKind.iterate,
  LIST_EXTEND: SiteKind.iterate,
  SET_UPDATE: SiteKind.iterate,
  SEND: SiteKind.send,
  GET_AWAITABLE: SiteKind.awaitable,
  GET_AITER: SiteKind.asyncIterator,
  GET_ANEXT: SiteKind.asyncNext,
  BEFORE_WITH: SiteKind.enter,
  BEFORE_ASYNC_WITH: SiteKind.enter,
  LOAD_SPECIAL: SiteKind.special,
  WITH_EXCEPT_START: SiteKind.exit,
  FORMAT_VALUE: SiteKind.format,
  FORMAT_SIMPLE: SiteKind.format,
  FORMAT_WITH_SPEC: SiteKind.format,
  CONVERT_VALUE: SiteKind.format,
  BUILD_MAP: SiteKind.hash,
  BUILD_SET: SiteKind.hash,
  MAP_ADD: SiteKind.hash,
  SET_ADD: SiteKind.hash,
  DICT_UPDATE: SiteKind.update,
  DICT_MERGE: SiteKind.update,
  IMPORT_NAME: SiteKind.importModule,
  IMPORT_FROM: SiteKind.importFrom,
  IMPORT_STAR: SiteKind.importStar,
  MATCH_CLASS: SiteKind.matchClass,
  MATCH_KEYS: SiteKind.matchKeys,
  GET_LEN: SiteKind.length,
  RAISE_VARARGS: SiteKind.raise,
  CHECK_EG_MATCH: SiteKind.exceptGroup,
  LOAD_NAME: SiteKind.loadNamespace,
  LOAD_FROM_DICT_OR_GLOBALS: SiteKind.loadNamespace,
  LOAD_FROM_DICT_OR_DEREF: SiteKind.loadNamespace,
  LOAD_CLASSDEREF: SiteKind.loadNamespace,
  STORE_NAME: SiteKind.storeNamespace,
  DELETE_NAME: SiteKind.deleteNamespace,
};

/** From 3.13 on a jump's operand is a bool already (TO_BOOL). */
const FIRST_WITH_TO_BOOL = 13;
const truthJump = /JUMP.*(TRUE|FALSE)/;

function kindOf(name: string, minor: number): number {
  if (minor < FIRST_WITH_TO_BOOL && truthJump.test(name)) return SiteKind.truth;
  return kinds[name] ?? 0;
}

const ends = new Set([
  "JUMP_BACKWARD",
  "JUMP_BACKWARD_NO_INTERRUPT",
  "RAISE_VARARGS",
  "RERAISE",
  "RETURN_CONST",
  "RETURN_VALUE",
]);

/** Only jumps forward say something about what is still to come. */
function flowOf(name: string): number {
  if (ends.has(name)) return Flow.end;
  if (name === "JUMP_FORWARD") return Flow.jumpAlways;
  const isJump = name === "FOR_ITER" || name === "SEND" || name.includes("JUMP_");
  return isJump && !name.includes("BACKWARD") ? Flow.jump : Flow.next;
}

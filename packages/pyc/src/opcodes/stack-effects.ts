/**
 * What each instruction takes from the operand stack and puts onto it, CPython 3.11–3.15.
 *
 * Python/bytecodes.c (3.12+), Python/compile.c stack_effect (3.11). An instruction that only looks
 * at a slot below the top leaves it, and is listed with what it really moves.
 */

/** Slots popped and pushed; then slots popped for each unit of the argument. */
export type StackEffect = readonly [pops: number, pushes: number, popsPerUnit?: number];

const same: StackEffect = [0, 0];
const load: StackEffect = [0, 1];
const store: StackEffect = [1, 0];
const unary: StackEffect = [1, 1];
const binary: StackEffect = [2, 1];

/** By name; those that need more than a table are listed with their fixed part and handled in operand-stack.ts. */
const common: Readonly<Record<string, StackEffect>> = {
  BEFORE_ASYNC_WITH: [1, 2],
  BEFORE_WITH: [1, 2],
  BINARY_OP: binary,
  BINARY_SLICE: [3, 1],
  BINARY_SUBSCR: binary,
  BUILD_CONST_KEY_MAP: [1, 1, 1],
  BUILD_INTERPOLATION: binary,
  BUILD_LIST: [0, 1, 1],
  BUILD_MAP: [0, 1, 2],
  BUILD_SET: [0, 1, 1],
  BUILD_SLICE: [0, 1, 1],
  BUILD_STRING: [0, 1, 1],
  BUILD_TEMPLATE: binary,
  BUILD_TUPLE: [0, 1, 1],
  CALL: [2, 1, 1],
  CALL_FUNCTION_EX: [3, 1],
  CALL_INTRINSIC_1: unary,
  CALL_INTRINSIC_2: binary,
  CALL_KW: [3, 1, 1],
  CHECK_EG_MATCH: [2, 2],
  CHECK_EXC_MATCH: unary,
  CLEANUP_THROW: [3, 2],
  COMPARE_OP: binary,
  CONTAINS_OP: binary,
  CONVERT_VALUE: unary,
  COPY: load,
  COPY_FREE_VARS: same,
  DELETE_ATTR: store,
  DELETE_DEREF: same,
  DELETE_FAST: same,
  DELETE_GLOBAL: same,
  DELETE_NAME: same,
  DELETE_SUBSCR: [2, 0],
  DICT_MERGE: store,
  DICT_UPDATE: store,
  END_ASYNC_FOR: [2, 0],
  END_FOR: store,
  END_SEND: binary,
  EXTENDED_ARG: same,
  FORMAT_SIMPLE: unary,
  FORMAT_VALUE: unary,
  FORMAT_WITH_SPEC: binary,
  FOR_ITER: load,
  GET_AITER: unary,
  GET_ANEXT: load,
  GET_AWAITABLE: unary,
  GET_ITER: unary,
  GET_LEN: load,
  GET_YIELD_FROM_ITER: unary,
  IMPORT_FROM: load,
  IMPORT_NAME: binary,
  IS_OP: binary,
  JUMP_BACKWARD: same,
  JUMP_BACKWARD_NO_INTERRUPT: same,
  JUMP_FORWARD: same,
  KW_NAMES: same,
  LIST_APPEND: store,
  LIST_EXTEND: store,
  LOAD_ASSERTION_ERROR: load,
  LOAD_ATTR: unary,
  LOAD_BUILD_CLASS: load,
  LOAD_CLOSURE: load,
  LOAD_COMMON_CONSTANT: load,
  LOAD_CONST: load,
  LOAD_DEREF: load,
  LOAD_FAST: load,
  LOAD_FAST_AND_CLEAR: load,
  LOAD_FAST_BORROW: load,
  LOAD_FAST_BORROW_LOAD_FAST_BORROW: [0, 2],
  LOAD_FAST_CHECK: load,
  LOAD_FAST_LOAD_FAST: [0, 2],
  LOAD_FROM_DICT_OR_DEREF: unary,
  LOAD_FROM_DICT_OR_GLOBALS: unary,
  LOAD_GLOBAL: load,
  LOAD_LOCALS: load,
  LOAD_NAME: load,
  LOAD_SMALL_INT: load,
  LOAD_SPECIAL: [1, 2],
  LOAD_SUPER_ATTR: [3, 1],
  MAKE_CELL: same,
  MAKE_FUNCTION: unary,
  MAP_ADD: [2, 0],
  MATCH_CLASS: [3, 1],
  MATCH_KEYS: load,
  MATCH_MAPPING: load,
  MATCH_SEQUENCE: load,
  NOP: same,
  NOT_TAKEN: same,
  POP_EXCEPT: store,
  POP_ITER: store,
  POP_JUMP_IF_FALSE: store,
  POP_JUMP_IF_NONE: store,
  POP_JUMP_IF_NOT_NONE: store,
  POP_JUMP_IF_TRUE: store,
  POP_TOP: store,
  PUSH_EXC_INFO: [1, 2],
  PUSH_NULL: load,
  RAISE_VARARGS: [0, 0, 1],
  RERAISE: store,
  RESUME: same,
  RETURN_CONST: same,
  RETURN_GENERATOR: load, // what the following POP_TOP takes away, whatever 3.11 and 3.12 count
  RETURN_VALUE: store,
  SEND: unary,
  SETUP_ANNOTATIONS: same,
  SET_ADD: store,
  SET_FUNCTION_ATTRIBUTE: binary,
  SET_UPDATE: store,
  STORE_ATTR: [2, 0],
  STORE_DEREF: store,
  STORE_FAST: store,
  STORE_FAST_LOAD_FAST: unary,
  STORE_FAST_STORE_FAST: [2, 0],
  STORE_GLOBAL: store,
  STORE_NAME: store,
  STORE_SLICE: [4, 0],
  STORE_SUBSCR: [3, 0],
  SWAP: same,
  TO_BOOL: unary,
  UNARY_INVERT: unary,
  UNARY_NEGATIVE: unary,
  UNARY_NOT: unary,
  UNPACK_EX: [1, 1],
  UNPACK_SEQUENCE: store,
  WITH_EXCEPT_START: load,
  YIELD_VALUE: unary,
};

/** What a version has alone, or does differently. */
const ofVersion: Readonly<Record<number, Readonly<Record<string, StackEffect>>>> = {
  11: {
    ASYNC_GEN_WRAP: unary,
    IMPORT_STAR: store,
    JUMP_IF_FALSE_OR_POP: store,
    JUMP_IF_TRUE_OR_POP: store,
    LIST_TO_TUPLE: unary,
    LOAD_CLASSDEREF: load,
    LOAD_METHOD: [1, 2],
    POP_JUMP_BACKWARD_IF_FALSE: store,
    POP_JUMP_BACKWARD_IF_NONE: store,
    POP_JUMP_BACKWARD_IF_NOT_NONE: store,
    POP_JUMP_BACKWARD_IF_TRUE: store,
    POP_JUMP_FORWARD_IF_FALSE: store,
    POP_JUMP_FORWARD_IF_NONE: store,
    POP_JUMP_FORWARD_IF_NOT_NONE: store,
    POP_JUMP_FORWARD_IF_TRUE: store,
    PRECALL: same, // prepares CALL, which is listed with all that both take
    PREP_RERAISE_STAR: binary,
    PRINT_EXPR: store,
    UNARY_POSITIVE: unary,
  },
  12: { END_FOR: [2, 0] },
  13: {},
  14: { CALL_FUNCTION_EX: [4, 1] },
  15: { CALL_FUNCTION_EX: [4, 1], GET_ITER: [1, 2], END_SEND: [3, 1], POP_ITER: [2, 0] },
};

/** Of the instruction `name` in CPython 3.`minor`; undefined when it has no such instruction. */
export const stackEffect = (name: string, minor: number): StackEffect | undefined =>
  ofVersion[minor]?.[name] ?? common[name];

/** How many slots more (or fewer) there are where a jump lands than where it falls through. */
const jumpDifference: Readonly<Record<number, Readonly<Record<string, number>>>> = {
  11: { FOR_ITER: -2, SEND: -1, JUMP_IF_FALSE_OR_POP: 1, JUMP_IF_TRUE_OR_POP: 1 },
};

export const slotsOfJump = (name: string, minor: number): number =>
  jumpDifference[minor]?.[name] ?? 0;

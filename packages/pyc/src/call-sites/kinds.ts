/**
 * Kinds of instructions that can enter a Python function, and which functions each can enter.
 * A kind takes 7 bits.
 *
 * The numbers are stored in pyc maps: append, never renumber without a new PYC_MAP_VERSION.
 */
import type { EntryWay } from "../map-types.ts";

export const SiteKind = {
  /** A call; what it enters is not known, whatever its callee is named. */
  call: 1,
  /** A call that enters the function it is named after, and nothing else. */
  enters: 2,
  /** A call that makes a generator or coroutine: it enters nothing. */
  creates: 3,
  /** Loads the attribute that the next call of the expression calls. */
  method: 4,
  attribute: 5,
  storeAttribute: 6,
  deleteAttribute: 7,
  compare: 8,
  contains: 9,
  subscript: 10,
  storeSubscript: 11,
  deleteSubscript: 12,
  negative: 13,
  positive: 14,
  invert: 15,
  truth: 16,
  iterator: 17,
  iterate: 18,
  send: 19,
  awaitable: 20,
  asyncIterator: 21,
  asyncNext: 22,
  enter: 23,
  special: 24,
  exit: 25,
  format: 26,
  hash: 27,
  update: 28,
  importModule: 29,
  importFrom: 30,
  importStar: 31,
  matchClass: 32,
  matchKeys: 33,
  length: 34,
  raise: 35,
  exceptGroup: 36,
  loadNamespace: 37,
  storeNamespace: 38,
  deleteNamespace: 39,
  /** First of the binary operators: `operator` + argument of BINARY_OP. */
  operator: 64,
} as const;

/** Beside the kind of a call: the file uses the name of what is called for nothing but calls. */
export const ONLY_CALLED = 0x80;

/** BINARY_OP's argument (opcode._nb_ops); from 13 on the in-place forms in the same order. */
const operators = [
  "add", "and", "floordiv", "lshift", "matmul", "mul", "mod", "or", "pow", "rshift", "sub", "truediv", "xor",
]; // prettier-ignore

/** `BINARY_OP 26` of 3.14 is the subscript. */
const SUBSCRIPT_OPERATOR = 26;

/** Kind of a BINARY_OP by its argument; 0 when no version has it. */
export function operatorKind(argument: number): number {
  if (argument === SUBSCRIPT_OPERATOR) return SiteKind.subscript;
  return argument < 2 * operators.length ? SiteKind.operator + argument : 0;
}

/** What operators enter beside their own functions: `%` formats text, `*` repeats sequences. */
const besides: Readonly<Record<string, string>> = {
  mod: " repr str format int float index getitem",
  mul: " index",
};

interface Protocol {
  /** Functions that the instruction enters under these names. */
  readonly names: ReadonlySet<string>;
  /** It can run the body of a generator or coroutine, whatever its name. */
  readonly runsGenerators: boolean;
  /** It can enter a function under another name: `__add__ = plus`, `x = property(get_x)`. */
  readonly aliases: boolean;
}

const protocol = (
  names: string,
  { runsGenerators = false, aliases = true }: Partial<Protocol> = {},
): Protocol => ({
  names: new Set(names === "" ? [] : names.split(" ").map((name) => `__${name}__`)),
  runsGenerators,
  aliases,
});

const lookup = "getattr getattribute get";
const iteration = "next iter getitem len length_hint";

const protocols: Readonly<Record<number, Protocol>> = {
  [SiteKind.method]: protocol(lookup, { aliases: false }),
  [SiteKind.attribute]: protocol(`${lookup} call eq hash`),
  [SiteKind.storeAttribute]: protocol("setattr set"),
  [SiteKind.deleteAttribute]: protocol("delattr delete"),
  [SiteKind.compare]: protocol("eq ne lt le gt ge bool len"),
  [SiteKind.contains]: protocol(`contains eq hash bool ${iteration}`, { runsGenerators: true }),
  [SiteKind.subscript]: protocol("getitem class_getitem missing index hash eq len new"),
  [SiteKind.storeSubscript]: protocol("setitem index hash eq len iter next"),
  [SiteKind.deleteSubscript]: protocol("delitem index hash eq len"),
  [SiteKind.negative]: protocol("neg"),
  [SiteKind.positive]: protocol("pos"),
  [SiteKind.invert]: protocol("invert"),
  [SiteKind.truth]: protocol("bool len"),
  [SiteKind.iterator]: protocol("iter aiter"),
  [SiteKind.iterate]: protocol(iteration, { runsGenerators: true }),
  [SiteKind.send]: protocol("next iter await", { runsGenerators: true }),
  [SiteKind.awaitable]: protocol("await"),
  [SiteKind.asyncIterator]: protocol("aiter"),
  [SiteKind.asyncNext]: protocol("anext", { runsGenerators: true }),
  [SiteKind.enter]: protocol("enter aenter get"),
  [SiteKind.special]: protocol("get", { aliases: false }),
  [SiteKind.exit]: protocol("exit aexit"),
  [SiteKind.format]: protocol("format str repr"),
  [SiteKind.hash]: protocol("hash eq"),
  [SiteKind.update]: protocol(`keys hash eq ${iteration}`, { runsGenerators: true }),
  [SiteKind.importModule]: protocol("import"),
  [SiteKind.importFrom]: protocol(lookup),
  [SiteKind.importStar]: protocol(`${lookup} ${iteration} dict all`),
  [SiteKind.matchClass]: protocol(`instancecheck match_args ${lookup}`),
  [SiteKind.matchKeys]: protocol("getitem contains missing hash eq get"),
  [SiteKind.length]: protocol("len"),
  [SiteKind.raise]: protocol("init new call", { aliases: false }),
  [SiteKind.exceptGroup]: protocol("new init", { aliases: true }),
  [SiteKind.loadNamespace]: protocol("getitem missing", { aliases: false }),
  [SiteKind.storeNamespace]: protocol("setitem", { aliases: false }),
  [SiteKind.deleteNamespace]: protocol("delitem", { aliases: false }),
  ...Object.fromEntries(operators.flatMap(operatorProtocols)),
};

function operatorProtocols(name: string, index: number): [number, Protocol][] {
  const plain = SiteKind.operator + index;
  const names = `${name} r${name}${besides[name] ?? ""}`;
  return [
    [plain, protocol(names)],
    [plain + operators.length, protocol(`i${name} ${names}`)],
  ];
}

/** Entered by calls of something else: of the class, of the built-in function that asks for them. */
const enteredByCalls =
  "init new call del init_subclass set_name prepare subclasscheck subclasshook mro_entries reduce reduce_ex " +
  "getstate setstate getnewargs getnewargs_ex copy deepcopy sizeof dir fspath int float complex bytes round " +
  "floor ceil trunc reversed divmod rdivmod abs post_init";

const specialNames: ReadonlySet<string> = new Set(
  [protocol(enteredByCalls), ...Object.values(protocols)].flatMap(({ names }) => [...names]),
);

/** A special method: entered without being named. */
export const isSpecialName = (callee: string): boolean => specialNames.has(callee);

/** Special methods that are often written as generators or coroutines. */
const generatorMethods = protocol("iter reversed next aiter anext await aenter aexit call").names;

export const mayBeGeneratorMethod = (callee: string): boolean => generatorMethods.has(callee);

/** Frames of the import machinery that an import statement enters (Lib/importlib/_bootstrap.py). */
const importMachinery = new Set(["_find_and_load", "_handle_fromlist", "_gcd_import"]);

export const isImportMachinery = (callee: string): boolean => importMachinery.has(callee);

export const isCall = (kind: number): boolean =>
  kind === SiteKind.call || kind === SiteKind.enters || kind === SiteKind.creates;

/** Whether the kind's instruction enters a function of that name by its own protocol. */
export function entersByName(kind: number, callee: string): boolean {
  if (protocols[kind]?.names.has(callee) === true) return true;
  return kind === SiteKind.importModule && isImportMachinery(callee);
}

export const runsGenerators = (kind: number): boolean => protocols[kind]?.runsGenerators === true;

export const hasAliases = (kind: number): boolean => protocols[kind]?.aliases === true;

/** Kinds that have an attribute's name, which a property's function shares. */
export const isAttribute = (kind: number): boolean =>
  kind >= SiteKind.method && kind <= SiteKind.deleteAttribute;

/** The few kinds of instructions that callers tell apart, the others together. */
const told: ReadonlyMap<number, EntryWay["by"]> = new Map([
  [SiteKind.call, "call"],
  [SiteKind.enters, "call"],
  [SiteKind.creates, "call"],
  [SiteKind.method, "attribute"],
  [SiteKind.attribute, "attribute"],
  [SiteKind.subscript, "subscript"],
  [SiteKind.iterate, "iteration"],
  [SiteKind.send, "send"],
  [SiteKind.enter, "enter"],
  [SiteKind.exit, "exit"],
  [SiteKind.special, "exit"],
]);

export const protocolOf = (kind: number): EntryWay["by"] => told.get(kind) ?? "other";

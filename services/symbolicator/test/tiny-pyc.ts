/**
 * A .pyc of CPython 3.8 with one function, laid out by hand (Python/marshal.c, w_object): enough for
 * the worker's tests; what the reader makes of every format is tested in packages/pyc.
 */
interface Code {
  readonly name: string;
  readonly firstLine: number;
  /** Byte offset and line steps, as `co_lnotab` holds them. */
  readonly lines: readonly number[];
  readonly constants: readonly Buffer[];
}

const MAGIC_3_8 = 3413;
const NONE = Buffer.from("N");

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const text = (value: string): Buffer =>
  Buffer.concat([Buffer.from("z"), Buffer.from([value.length]), Buffer.from(value)]);
const bytes = (value: readonly number[]): Buffer =>
  Buffer.concat([Buffer.from("s"), u32(value.length), Buffer.from(value)]);
const tuple = (items: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from(")"), Buffer.from([items.length]), ...items]);

/** CALL_FUNCTION 0, POP_TOP, LOAD_CONST 0, RETURN_VALUE. */
const instructions = [131, 0, 1, 0, 100, 0, 83, 0];

function code(filename: string, { name, firstLine, lines, constants }: Code): Buffer {
  const counts = [0, 0, 0, 0, 2, 0x40]; // arguments ×3, locals, stack, CO_NOFREE
  return Buffer.concat([
    Buffer.from("c"),
    ...counts.map(u32),
    bytes(instructions),
    tuple(constants),
    tuple([]), // names
    tuple([]), // varnames
    tuple([]), // freevars
    tuple([]), // cellvars
    text(filename),
    text(name),
    u32(firstLine),
    bytes(lines),
  ]);
}

/** A module whose function `name` begins on line 10 and calls something on line 12. */
export function tinyPyc(filename: string, name: string): Buffer {
  const lines = [0, 2]; // two lines further from the first instruction on
  const inner = code(filename, { name, firstLine: 10, lines, constants: [NONE] });
  const module = {
    name: "<module>",
    firstLine: 1,
    lines: [],
    constants: [NONE, inner, text(name)],
  };
  const header = Buffer.concat([u32(MAGIC_3_8 | 0x0a0d_0000), u32(0), u32(0), u32(0)]);
  return Buffer.concat([header, code(filename, module)]);
}

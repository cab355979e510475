/**
 * Writes marshalled Python objects, as Python/marshal.c of marshal versions 0 to 6 does; which type an
 * object is written as is the caller's choice, so that tests can show each.
 */

/** An object that writes itself. */
export type PyObject = (out: ByteSink) => void;

const FLAG_REF = 0x80;

/** Bytes so far; everything is little-endian. */
export class ByteSink {
  readonly #bytes: number[] = [];
  #isFlagged = false;

  /** The type byte that is written next gets FLAG_REF. */
  flagNext(): void {
    this.#isFlagged = true;
  }

  type(letter: string): void {
    this.u8(letter.charCodeAt(0) | (this.#isFlagged ? FLAG_REF : 0));
    this.#isFlagged = false;
  }

  u8(value: number): void {
    this.#bytes.push(value & 0xff);
  }

  u16(value: number): void {
    this.bytes([value & 0xff, (value >> 8) & 0xff]);
  }

  u32(value: number): void {
    this.u16(value & 0xffff);
    this.u16(value >>> 16);
  }

  f64(value: number): void {
    this.bytes(new Uint8Array(Float64Array.of(value).buffer));
  }

  bytes(values: Iterable<number>): void {
    for (const value of values) this.#bytes.push(value);
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

const letterOnly =
  (letter: string): PyObject =>
  (out) =>
    out.type(letter);

const container =
  (letter: string, items: readonly PyObject[]): PyObject =>
  (out) => {
    out.type(letter);
    if (letter === ")") out.u8(items.length);
    else out.u32(items.length);
    for (const item of items) item(out);
  };

const mapping =
  (letter: string, entries: readonly (readonly [PyObject, PyObject])[]): PyObject =>
  (out) => {
    out.type(letter);
    for (const item of entries.flat()) item(out);
    out.type("0");
  };

const numberText = (out: ByteSink, text: string): void => {
  out.u8(text.length);
  out.bytes(Buffer.from(text, "latin1"));
};

/** How a str is written: `u`, `t` UTF-8; `a`, `A` ASCII; `z`, `Z` ASCII with a length byte. */
export type StrType = "u" | "t" | "a" | "A" | "z" | "Z";

/** `text` as UTF-8 that keeps lone surrogates ("surrogatepass"). */
function utf8(text: string): number[] {
  return Array.from(text, (char) => {
    const point = char.codePointAt(0) ?? 0;
    const isLone = point >= 0xd800 && point < 0xe000;
    if (!isLone) return [...Buffer.from(char)];
    return [0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f)];
  }).flat();
}

/** Digits of 15 bits, least significant first. */
function digits15(value: bigint): number[] {
  const digits: number[] = [];
  for (let left = value < 0n ? -value : value; left > 0n; left >>= 15n) {
    digits.push(Number(left & 0x7fffn));
  }
  return digits;
}

/** Builders of objects, by what they are. */
export const py = {
  null: letterOnly("0"),
  none: letterOnly("N"),
  true: letterOnly("T"),
  false: letterOnly("F"),
  ellipsis: letterOnly("."),
  stopIteration: letterOnly("S"),

  int:
    (value: number): PyObject =>
    (out) => {
      out.type("i");
      out.u32(value);
    },

  /** `l` */
  long:
    (value: bigint): PyObject =>
    (out) => {
      const digits = digits15(value);
      out.type("l");
      out.u32(value < 0n ? -digits.length : digits.length);
      for (const digit of digits) out.u16(digit);
    },

  /** `I`, written up to 3.3. */
  int64:
    (value: bigint): PyObject =>
    (out) => {
      out.type("I");
      out.u32(Number(BigInt.asUintN(32, value)));
      out.u32(Number(BigInt.asUintN(32, value >> 32n)));
    },

  float:
    (value: number): PyObject =>
    (out) => {
      out.type("g");
      out.f64(value);
    },

  complex:
    (real: number, imaginary: number): PyObject =>
    (out) => {
      out.type("y");
      out.f64(real);
      out.f64(imaginary);
    },

  /** As text, marshal versions 0 and 1. */
  floatText:
    (text: string): PyObject =>
    (out) => {
      out.type("f");
      numberText(out, text);
    },

  complexText:
    (real: string, imaginary: string): PyObject =>
    (out) => {
      out.type("x");
      numberText(out, real);
      numberText(out, imaginary);
    },

  bytes:
    (value: Iterable<number>): PyObject =>
    (out) => {
      const bytes = [...value];
      out.type("s");
      out.u32(bytes.length);
      out.bytes(bytes);
    },

  str:
    (text: string, type: StrType = "u"): PyObject =>
    (out) => {
      const bytes = utf8(text);
      out.type(type);
      if (type === "z" || type === "Z") out.u8(bytes.length);
      else out.u32(bytes.length);
      out.bytes(bytes);
    },

  tuple: (...items: readonly PyObject[]): PyObject =>
    container(items.length < 256 ? ")" : "(", items),
  /** With a count of 4 bytes, however few. */
  longTuple: (...items: readonly PyObject[]): PyObject => container("(", items),
  list: (...items: readonly PyObject[]): PyObject => container("[", items),
  set: (...items: readonly PyObject[]): PyObject => container("<", items),
  frozenset: (...items: readonly PyObject[]): PyObject => container(">", items),
  dict: (...entries: readonly (readonly [PyObject, PyObject])[]): PyObject => mapping("{", entries),
  /** Marshal version 6 (3.15). */
  frozendict: (...entries: readonly (readonly [PyObject, PyObject])[]): PyObject =>
    mapping("}", entries),

  /** Marshal version 5 (3.14). */
  slice:
    (start: PyObject, stop: PyObject, step: PyObject): PyObject =>
    (out) => {
      out.type(":");
      start(out);
      stop(out);
      step(out);
    },

  /** The object, noted for references to it. */
  noted:
    (object: PyObject): PyObject =>
    (out) => {
      out.flagNext();
      object(out);
    },

  /** The object that was noted as the `index`th. */
  ref:
    (index: number): PyObject =>
    (out) => {
      out.type("r");
      out.u32(index);
    },

  /** Bytes as they are, whatever they mean. */
  raw:
    (bytes: Iterable<number>): PyObject =>
    (out) =>
      out.bytes(bytes),
} as const;

export function marshalled(object: PyObject): Uint8Array {
  const out = new ByteSink();
  object(out);
  return out.finish();
}

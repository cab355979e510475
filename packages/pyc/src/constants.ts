/**
 * Constants as Python's `ascii()` shows them: "(1, 'caf\\xe9', None)".
 *
 * Code objects are shown as `<code NAME>`, a set of constants as the sorted list of its elements'
 * texts, for its own order is not in the file.
 */
import { MAX_CONSTANT_CHARS, MAX_CONSTANT_DEPTH } from "./limits.ts";
import { ELLIPSIS, FALSE, NONE, STOP_ITERATION, TRUE } from "./marshal/objects.ts";
import { Type } from "./marshal/types.ts";
import type { PycFile } from "./pyc-file.ts";

/** The constants of tuple `consts`; null for those that are beyond MAX_CONSTANT_CHARS or MAX_CONSTANT_DEPTH. */
export function constantTexts(file: PycFile, consts: number): (string | null)[] {
  const printer = new ConstantPrinter(file);
  return Array.from({ length: file.objects.size(consts) }, (_, index) =>
    printer.top(file.objects.child(consts, index)),
  );
}

class NoRoom extends Error {}

class ConstantPrinter {
  readonly #file: PycFile;
  #room = MAX_CONSTANT_CHARS;
  #depth = 0;

  constructor(file: PycFile) {
    this.#file = file;
  }

  top(id: number): string | null {
    const room = this.#room;
    try {
      const isSet = this.#file.objects.type(id) === Type.frozenset;
      return isSet ? this.#frozenset(id) : this.#object(id);
    } catch (error) {
      if (!(error instanceof NoRoom)) throw error;
      this.#room = room;
      this.#depth = 0;
      return null;
    }
  }

  #frozenset(id: number): string {
    const texts = this.#children(id).toSorted();
    return `frozenset([${texts.map((text) => this.#take(quoted(text))).join(", ")}])`;
  }

  /** Each piece of text is paid for before it is joined: shared tuples can unfold without bound. */
  #take(text: string): string {
    this.#room -= text.length + 2;
    if (this.#room < 0) throw new NoRoom();
    return text;
  }

  #object(id: number): string {
    const { objects } = this.#file;
    switch (objects.type(id)) {
      case Type.smallTuple:
      case Type.tuple: {
        const parts = this.#children(id);
        return this.#take(parts.length === 1 ? `(${parts[0]},)` : `(${parts.join(", ")})`);
      }
      case Type.list:
        return this.#take(`[${this.#children(id).join(", ")}]`);
      case Type.set:
      case Type.frozenset: {
        const parts = this.#children(id).toSorted().join(", ");
        return this.#take(objects.type(id) === Type.set ? `{${parts}}` : `frozenset({${parts}})`);
      }
      case Type.dict:
        return this.#take(`{${this.#entries(id)}}`);
      case Type.frozendict:
        return this.#take(`frozendict({${this.#entries(id)}})`);
      case Type.slice:
        return this.#take(`slice(${this.#children(id).join(", ")})`);
      case Type.code:
        return this.#take(`<code ${this.#file.text(this.#file.codes[objects.start(id)]!.name)}>`);
      default:
        return this.#take(this.#leaf(id));
    }
  }

  #children(id: number): string[] {
    if (this.#depth === MAX_CONSTANT_DEPTH) throw new NoRoom();
    const { objects } = this.#file;
    const texts: string[] = [];
    this.#depth++;
    for (let index = 0; index < objects.size(id); index++) {
      texts.push(this.#object(objects.child(id, index)));
    }
    this.#depth--;
    return texts;
  }

  #entries(id: number): string {
    const parts = this.#children(id);
    const entries: string[] = [];
    for (let index = 0; index < parts.length; index += 2) {
      entries.push(`${parts[index]}: ${parts[index + 1]}`);
    }
    return entries.join(", ");
  }

  #leaf(id: number): string {
    if (id === NONE) return "None";
    if (id === TRUE) return "True";
    if (id === FALSE) return "False";
    if (id === ELLIPSIS) return "Ellipsis";
    if (id === STOP_ITERATION) return "<class 'StopIteration'>";
    const { objects, bytes } = this.#file;
    const start = objects.start(id);
    const size = objects.size(id);
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, size);
    switch (objects.type(id)) {
      case Type.int:
        return String(view.getInt32(0, true));
      case Type.int64:
        return String(view.getBigInt64(0, true));
      case Type.long:
        return this.#long(start, size / 2);
      case Type.float:
        return floatText(view.getFloat64(0, true));
      case Type.complex:
        return complexText(view.getFloat64(0, true), view.getFloat64(8, true));
      case Type.floatText:
        return floatText(this.#numbers(start, size)[0]!);
      case Type.complexText: {
        const [real, imaginary] = this.#numbers(start, size);
        return complexText(real!, imaginary!);
      }
      case Type.bytes:
        this.#reserve(size);
        return bytesText(bytes.subarray(start, start + size));
      default:
        this.#reserve(size / 4);
        return quoted(this.#file.text(id));
    }
  }

  /** Refuses what cannot fit before it is built. */
  #reserve(chars: number): void {
    if (chars > this.#room) throw new NoRoom();
  }

  /** Digits of 15 bits, least significant first; the sign is that of the count before them. */
  #long(start: number, digits: number): string {
    this.#reserve(digits * 4.5);
    const { bytes } = this.#file;
    const binary: string[] = ["0b0"];
    for (let at = start + 2 * digits - 2; at >= start; at -= 2) {
      const digit = (bytes[at]! | (bytes[at + 1]! << 8)) & 0x7fff;
      binary.push(digit.toString(2).padStart(15, "0"));
    }
    const value = BigInt(binary.join(""));
    return String(bytes[start - 1]! >= 0x80 ? -value : value);
  }

  #numbers(start: number, size: number): number[] {
    const { bytes } = this.#file;
    const numbers: number[] = [];
    for (let at = start; at < start + size;) {
      const length = bytes[at]!;
      const text = String.fromCharCode(...bytes.subarray(at + 1, at + 1 + length));
      numbers.push(pythonFloat(text));
      at += 1 + length;
    }
    return numbers;
  }
}

/** What `float()` makes of the text that repr() wrote. */
const pythonFloat = (text: string): number =>
  Number(text.replace(/^([-+]?)inf$/, "$1Infinity").replace(/^[-+]?nan$/, "NaN"));

/** `repr()` of a float: the shortest digits that read back, as JavaScript's, in Python's notation. */
function floatText(value: number): string {
  const text = numberText(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** As `repr()`, without the ".0" of whole numbers. Python writes exponents below -4 and from 16 on. */
function numberText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0";
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-4 && size < 1e16)) return String(value);
  const [digits, exponent] = value.toExponential().split("e");
  const power = Number(exponent);
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** `repr()` of a complex: the real part is left out when it is +0. */
function complexText(real: number, imaginary: number): string {
  if (Object.is(real, 0)) return `${numberText(imaginary)}j`;
  const sign = imaginary < 0 || Object.is(imaginary, -0) ? "" : "+";
  return `(${numberText(real)}${sign}${numberText(imaginary)}j)`;
}

const named: Readonly<Record<number, string>> = { 9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\" };

/** `ascii()` of a str. */
export function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let shown = "";
  for (const char of text) {
    const point = char.codePointAt(0)!;
    if (char === quote) shown += `\\${quote}`;
    else shown += named[point] ?? escaped(char, point);
  }
  return `${quote}${shown}${quote}`;
}

function escaped(char: string, point: number): string {
  if (point >= 0x20 && point < 0x7f) return char;
  if (point <= 0xff) return `\\x${point.toString(16).padStart(2, "0")}`;
  if (point <= 0xffff) return `\\u${point.toString(16).padStart(4, "0")}`;
  return `\\U${point.toString(16).padStart(8, "0")}`;
}

/** `repr()` of bytes: its quotes and escapes are those of a str with the same code points. */
const bytesText = (bytes: Uint8Array): string =>
  `b${quoted(Buffer.from(bytes).toString("latin1"))}`;

/** The bytes of one `.pyc` with the objects that were found in them: what every later step reads from. */
import { PycError } from "./error.ts";
import type { PycHeader } from "./header.ts";
import type { CodeFields } from "./marshal/code-fields.ts";
import type { Objects } from "./marshal/objects.ts";
import { typeName } from "./marshal/types.ts";
import { decodeAscii, decodeText } from "./text.ts";

export class PycFile {
  readonly bytes: Uint8Array;
  readonly header: PycHeader;
  readonly objects: Objects;
  /** By the number that a code object's `start` holds. */
  readonly codes: readonly CodeFields[];
  /** Equal names are one object: CPython interns them, and from marshal version 3 on writes each once. */
  readonly namesAreShared: boolean;
  /** Decoded strings by object id: the same few names are asked for again and again. */
  readonly #texts = new Map<number, string>();

  constructor(
    bytes: Uint8Array,
    header: PycHeader,
    objects: Objects,
    codes: readonly CodeFields[],
    namesAreShared: boolean,
  ) {
    this.bytes = bytes;
    this.header = header;
    this.objects = objects;
    this.codes = codes;
    this.namesAreShared = namesAreShared;
  }

  get minor(): number {
    return this.header.version.minor;
  }

  /** Text of a str object. Throws `bad-string` when its bytes are not what its type says. */
  text(id: number): string {
    const known = this.#texts.get(id);
    if (known !== undefined) return known;
    const { objects, bytes } = this;
    const start = objects.start(id);
    const end = start + objects.size(id);
    const type = objects.type(id);
    const text = objects.isAscii(type)
      ? decodeAscii(bytes, start, end)
      : decodeText(bytes, start, end);
    if (text === null) {
      const wanted = objects.isAscii(type) ? "ASCII" : "UTF-8";
      throw new PycError("bad-string", start, `str ${typeName(type)}: not ${wanted}`);
    }
    this.#texts.set(id, text);
    return text;
  }

  /** Texts of a tuple of str. */
  texts(id: number): string[] {
    return Array.from({ length: this.objects.size(id) }, (_, index) =>
      this.text(this.objects.child(id, index)),
    );
  }
}

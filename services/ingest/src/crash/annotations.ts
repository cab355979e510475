/**
 * What a crash handler says beside a minidump, one text a name, and what of it we know the meaning of.
 *
 * Names as Crashpad's and Breakpad's users set them (`prod`, `ver`), Electron (`_version` is the application's own,
 * `ver` Electron's), and Sentry's clients: an event as JSON in `sentry`, the same cut into `sentry__1`,
 * `sentry__2`…, fields `sentry[tags][name]`, or a file of MessagePack. Nothing here is a reason to refuse a crash: what does not fit
 * is left out and counted.
 */
import {
  MAX_METADATA_BYTES,
  MAX_NAME_CHARS,
  MAX_TAGS,
  type CrashMetadata,
} from "@faultline/shared";
import { isTime } from "./metadata.ts";
import { isPrivate } from "./private-names.ts";
import { storable } from "./storable.ts";

type Field = "release" | "environment" | "host" | "pid" | "time" | "pythonVersion";

/** By field, the names that may hold it, in lower case; the first that is there counts. */
const NAMES: Readonly<Record<Field, readonly string[]>> = {
  release: ["release", "_version", "ver", "version"],
  environment: ["environment", "env"],
  host: ["host", "hostname", "server_name"],
  pid: ["pid"],
  time: ["time", "timestamp"],
  pythonVersion: ["pythonversion", "python_version", "python.version"],
};
const PRODUCT = ["product", "_productname", "prod", "productname"];

const fits: Partial<Record<Field, (value: string) => boolean>> = {
  pid: (value) => /^\d{1,15}$/.test(value),
  time: isTime,
};
/** Another one at every crash: good to know, no good to search for. */
const NO_TAGS = new Set<Field>(["pid", "time"]);

export class Annotations {
  /** Those that were too many or too large. */
  leftOut = 0;
  readonly #keepEnvironment: boolean;
  readonly #texts = new Map<string, string>();
  /** A Sentry event's pieces, by number. */
  readonly #pieces = new Map<number, string>();
  #bytes = 0;

  constructor(keepEnvironment: boolean) {
    this.#keepEnvironment = keepEnvironment;
  }

  /** A form's field, an item of the query. The first of a name counts. */
  add(name: string, value: string): void {
    const piece = /^sentry__(\d{1,4})$/.exec(name)?.[1];
    if (piece !== undefined) this.#pieces.set(Number(piece), value);
    else if (name === "sentry") this.addJson(value);
    else this.#keep(plainName(name), value);
  }

  /** An object of annotations, as JSON text; any other text is one itself. */
  addJson(text: string): void {
    try {
      this.addObject(JSON.parse(text));
    } catch {
      this.#keep("sentry", text);
    }
  }

  /** An event of Sentry's, or any other object: its texts and numbers, those of `tags`, `extra` and `user` included. */
  addObject(value: unknown): void {
    for (const [name, member] of entriesOf(value)) {
      if (name === "tags" || name === "extra") this.addObject(member);
      else if (name === "user") {
        for (const [key, about] of entriesOf(member)) this.#keepScalar(`user.${key}`, about);
      } else this.#keepScalar(name, member);
    }
  }

  /** Everything said, as metadata that anything else said of the crash is still to be laid over. */
  finish(): { readonly said: Partial<Record<Field, string>>; readonly rest: Rest } {
    if (this.#pieces.size > 0) {
      const pieces = [...this.#pieces].toSorted(([a], [b]) => a - b);
      this.#pieces.clear();
      this.addJson(pieces.map(([, piece]) => piece).join(""));
    }
    const lower = new Map([...this.#texts.keys()].map((name) => [name.toLowerCase(), name]));
    const said: Partial<Record<Field, string>> = {};
    const noTags = new Set<string>();
    for (const field of Object.keys(NAMES) as Field[]) {
      const name = this.#find(lower, NAMES[field], fits[field]);
      if (name === undefined) continue;
      said[field] = this.#texts.get(name) ?? "";
      if (NO_TAGS.has(field)) noTags.add(name);
    }
    const product = this.#find(lower, PRODUCT);
    if (product !== undefined && !this.#texts.has("product"))
      this.#texts.set("product", this.#texts.get(product) ?? "");
    return { said, rest: this.#sort(noTags) };
  }

  #find(
    lower: ReadonlyMap<string, string>,
    names: readonly string[],
    isFit: (value: string) => boolean = () => true,
  ): string | undefined {
    return names
      .map((name) => lower.get(name))
      .find((name) => name !== undefined && isFit(this.#texts.get(name) ?? ""));
  }

  /** Short ones become tags while there is room, the others stay annotations. */
  #sort(noTags: ReadonlySet<string>): Rest {
    const tags: [string, string][] = [];
    const annotations: [string, string][] = [];
    for (const [name, value] of this.#texts) {
      if (noTags.has(name)) continue;
      const isShort = Math.max(name.length, value.length) <= MAX_NAME_CHARS;
      (isShort && tags.length < MAX_TAGS ? tags : annotations).push([name, value]);
    }
    return {
      tags: Object.fromEntries(tags),
      ...(annotations.length === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
      ...(this.leftOut === 0 ? {} : { annotationsLeftOut: this.leftOut }),
    };
  }

  #keepScalar(name: string, value: unknown): void {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
      this.#keep(name, String(value));
  }

  #keep(sentName: string, sentValue: string): void {
    const name = storable(sentName);
    const value = storable(sentValue);
    if (value === "" || this.#texts.has(name)) return;
    if (!this.#keepEnvironment && isPrivate(name, value)) return;
    this.#bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    if (this.#bytes > MAX_METADATA_BYTES) this.leftOut += 1;
    else this.#texts.set(name, value);
  }
}

type Rest = Pick<CrashMetadata, "tags" | "annotations" | "annotationsLeftOut">;

/** `sentry[release]` is the event's release, `sentry[tags][region]` its tag region. */
function plainName(name: string): string {
  const inside = /^sentry((?:\[[^\]]*\])+)$/.exec(name)?.[1];
  if (inside === undefined) return name;
  const path = inside.slice(1, -1).split("][");
  return (path[0] === "tags" || path[0] === "extra" ? path.slice(1) : path).join(".");
}

/** Of an object, or of a list of pairs, which is Sentry's other way to write tags. */
function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  if (typeof value !== "object" || value === null) return [];
  if (!Array.isArray(value)) return Object.entries(value);
  return value.filter(
    (pair): pair is [string, unknown] =>
      Array.isArray(pair) && pair.length === 2 && typeof pair[0] === "string",
  );
}

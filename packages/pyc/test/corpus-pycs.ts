/** Real `.pyc` files of the corpus, with what the interpreter that wrote them says of them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { corpus } from "../../../test/corpus.ts";

const folder = corpus === null ? null : join(corpus, "python", "pyc");

/** Names of all files that are not damaged: "3.13/base.pyc". */
export const corpusPycs: readonly string[] =
  folder === null
    ? []
    : readdirSync(folder)
        .filter((version) => version !== "broken")
        .flatMap((version) =>
          readdirSync(join(folder, version))
            .filter((name) => name.endsWith(".pyc"))
            .map((name) => `${version}/${name}`),
        )
        .toSorted();

export const brokenPycs: readonly string[] =
  folder === null
    ? []
    : readdirSync(join(folder, "broken"))
        .filter((name) => name.endsWith(".pyc"))
        .map((name) => `broken/${name}`);

export const readCorpusPyc = (name: string): Uint8Array => readFileSync(join(folder ?? "", name));

/** One code object as the corpus describes it; the keys are those of its README ("JSON of a pyc"). */
export interface ExpectedCode {
  readonly name: string;
  readonly qualname: string;
  readonly firstLine: number;
  readonly flags: number;
  readonly args: readonly string[];
  readonly varargs?: string;
  readonly varkw?: string;
  readonly codeBytes: number;
  readonly addr2line: readonly (readonly [number, number, number])[];
  readonly positions?: readonly (readonly (number | null)[])[];
}

interface Document {
  readonly python: string;
  readonly header: object;
  readonly codeCount: number;
  readonly codes: readonly ExpectedCode[];
  readonly moduleConsts?: readonly string[];
}

export interface ExpectedPyc {
  /** Full version of the interpreter: "3.13.0". */
  readonly python: string;
  readonly codes: readonly ExpectedCode[];
  /** The fields that the corpus tells of this file. */
  readonly told: Omit<Partial<Document>, "python">;
}

/** What must be read from `name`. Of some files the corpus says only that the codes are those of another one. */
export function expectedPyc(name: string): ExpectedPyc {
  const path = join(folder ?? "", name.replace(/\.pyc$/, ".expected.json"));
  const text = existsSync(path)
    ? readFileSync(path, "utf8")
    : gunzipSync(readFileSync(`${path}.gz`)).toString();
  const document: unknown = JSON.parse(text);
  if (isReference(document)) {
    const same = expectedPyc(
      join(name, "..", document.sameCodesAs.replace(/\.expected\.json$/, ".pyc")),
    );
    return { ...same, told: { codes: same.codes, codeCount: same.codes.length } };
  }
  if (!isDocument(document)) throw new TypeError(`${path}: not the description of a pyc`);
  const { header, codeCount, codes, moduleConsts } = document;
  const told = {
    header,
    codeCount,
    codes,
    ...(moduleConsts === undefined ? {} : { moduleConsts }),
  };
  return { python: document.python, codes, told };
}

const isReference = (value: unknown): value is { sameCodesAs: string } =>
  typeof value === "object" && value !== null && "sameCodesAs" in value;

const isDocument = (value: unknown): value is Document =>
  typeof value === "object" && value !== null && "codes" in value && "header" in value;

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { corpus, corpusSkipReason } from "../../../test/corpus.ts";
import { archiveMembers, bytesSource, DebugInfoError, isArchive, openSplit } from "../src/index.ts";
import { cacheOf, fixture } from "./fixture.ts";

type Member = readonly [name: string, bytes: Uint8Array];

const header = (name: string, size: number): Buffer =>
  Buffer.from(
    `${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"644".padEnd(8)}${String(size).padEnd(10)}\`\n`,
  );

const even = (bytes: Uint8Array): Buffer =>
  Buffer.concat([bytes, Buffer.from("\n".repeat(bytes.length % 2))]);

const plain = ([name, bytes]: Member): Buffer =>
  Buffer.concat([header(name, bytes.length), even(bytes)]);

/** As GNU ar: a symbol table, long names in a member of their own. */
function gnu(members: readonly Member[]): Buffer {
  const names = members.map(([name]) => `${name}/\n`).join("");
  const offsetOf = (at: number): number =>
    members.slice(0, at).reduce((sum, [name]) => sum + name.length + 2, 0);
  return Buffer.concat([
    Buffer.from("!<arch>\n"),
    plain(["/", Buffer.alloc(4)]),
    plain(["//", Buffer.from(names)]),
    ...members.map(([, bytes], at) => plain([`/${offsetOf(at)}`, bytes])),
  ]);
}

/** As BSD ar: names before the bytes. */
const bsd = (members: readonly Member[]): Buffer =>
  Buffer.concat([
    Buffer.from("!<arch>\n"),
    plain(["__.SYMDEF SORTED", Buffer.alloc(4)]),
    ...members.map(([name, bytes]) =>
      plain([`#1/${name.length + 4}`, Buffer.concat([Buffer.from(`${name}\0\0\0\0`), bytes])]),
    ),
  ]);

const members: readonly Member[] = [
  ["short.dwo", Buffer.from("odd")],
  ["a file with a long name.dwo", Buffer.from("bytes!")],
];

const shown = (archive: Uint8Array): readonly unknown[] =>
  archiveMembers(bytesSource(archive)).map(({ name, source }) => [
    name,
    Buffer.from(source.read(0, source.size)).toString(),
  ]);

test.each([
  ["GNU", gnu(members)],
  ["BSD", bsd(members)],
  [
    "without long names",
    Buffer.concat([
      Buffer.from("!<arch>\n"),
      ...members.map(([name, bytes]) => plain([`${name.slice(0, 15)}/`, bytes])),
    ]),
  ],
])("members of an archive: %s", (kind, archive) => {
  const names = kind === "without long names" ? 15 : 100;
  expect(isArchive(archive)).toBe(true);
  expect(shown(archive)).toEqual(
    members.map(([name, bytes]) => [name.slice(0, names), Buffer.from(bytes).toString()]),
  );
});

test("cut at any byte, and with any byte changed, it has members or is refused with a code", () => {
  const whole = gnu(members);
  const damaged = Array.from(whole, (byte, at) => {
    const copy = Buffer.from(whole);
    copy[at] = byte ^ 0xff;
    return [copy, whole.subarray(0, at)];
  }).flat();
  const faults = damaged.flatMap((bytes) => {
    try {
      archiveMembers(bytesSource(bytes)).map(({ source }) => source.read(0, source.size));
      return [];
    } catch (error) {
      return error instanceof DebugInfoError ? [] : [String(error)];
    }
  });
  expect(faults).toEqual([]);
});

test("what is no object in an archive is passed over; a file alone is one", () => {
  const object = fixture("shapes.o");
  const archive = gnu([...members, ["shapes.o", object]]);
  expect(openSplit(bytesSource(archive))).toHaveLength(1);
  expect(openSplit(bytesSource(object))).toHaveLength(1);
});

test.skipIf(corpus === null)(
  `split units in an archive complete their skeletons (skipped where ${corpusSkipReason})`,
  () => {
    const read = (name: string): Buffer =>
      readFileSync(join(corpus as string, "public/gimli-rs__object-testfiles/dwarf", name));
    const dwo = read("base-gcc-split-base.dwo");
    const object = read("base-gcc-split");
    const archived = cacheOf(object, null, [gnu([["base.dwo", dwo]])]);
    const alone = cacheOf(object, null, [dwo]);
    const answers = [archived, alone].map((cache) =>
      Array.from({ length: 0x2000 }, (_, at) => cache.frames(at)),
    );
    expect(answers[0]).toEqual(answers[1]);
    expect(archived.info.gaps).toEqual(alone.info.gaps);
    expect(answers[0]?.some((frames) => frames.length > 1)).toBe(true);
  },
);

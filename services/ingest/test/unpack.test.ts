import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAX_PYTHON_FILE_BYTES, MAX_UNPACKED_BYTES } from "@faultline/shared";
import { MAX_ARCHIVE_ENTRIES } from "../src/limits.ts";
import { openUploadFolder, type UploadFolder } from "../src/symbols/upload-folder.ts";
import { newBudget, unpack, type Budget } from "../src/symbols/unpack.ts";
import { ar, pyc, tar, zip, zipEnd, type ZipEntry } from "./archives.ts";

let parent: string;
let folder: UploadFolder;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "faultline-unpack-"));
  folder = await openUploadFolder(parent);
});
afterAll(() => rm(parent, { recursive: true, force: true }));

interface Found {
  /** Source path to content. */
  readonly python: Record<string, string>;
  /** Name to content. */
  readonly native: Record<string, string>;
  /** Name to reason. */
  readonly refused: Record<string, string>;
  readonly skipped: number;
}

async function open(name: string, bytes: Buffer, budget: Budget = newBudget()): Promise<Found> {
  const python: Record<string, string> = {};
  const native: Record<string, string> = {};
  const refused: Record<string, string> = {};
  let skipped = 0;
  async function* body(): AsyncGenerator<Buffer> {
    yield bytes;
  }
  const file = await folder.receive(body());
  await unpack(
    name,
    file,
    folder,
    {
      python: async (_name, { path }, content) => void (python[path] = content.toString("latin1")),
      native: async (nativeName, content) =>
        void (native[nativeName] = (await buffer(content)).toString("latin1")),
      refused: (refusedName, reason) => void (refused[refusedName] = reason),
      skipped: () => void (skipped += 1),
    },
    budget,
  );
  await file.discard();
  expect(
    await readdir(parent, { recursive: true }).then((names) => names.length),
    "files left",
  ).toBe(1);
  return { python, native, refused, skipped };
}

const module = pyc("code of jobs");
const source = Buffer.from("def run():\n    pass\n");
const large = Buffer.from(Array.from({ length: 60_000 }, (_, at) => `x${at} = ${at}\n`).join(""));
const files = [
  { name: "app/__pycache__/jobs.cpython-312.pyc", bytes: module },
  { name: "app/jobs.py", bytes: source },
  { name: "app/large.py", bytes: large },
  { name: "README.md", bytes: Buffer.from("read me") },
];
const whole = {
  python: { "app/jobs.py": source.toString("latin1"), "app/large.py": large.toString("latin1") },
  native: {},
  refused: {},
  skipped: 1,
};

test.each([
  ["a.zip", zip(files)],
  ["a.whl", zip(files.map((file) => ({ ...file, stored: true })))],
  ["a.tar", tar(files)],
  ["a.tar.gz", gzipSync(tar(files))],
  ["a.tgz", gzipSync(tar(files))],
  ["a.tar.zst", zstdCompressSync(tar(files))],
  ["named-like-nothing", zip(files)],
  ["nor-this", gzipSync(tar(files))],
])("%s: its Python files, the rest counted", async (name, bytes) => {
  expect(await open(name, bytes)).toEqual(whole);
});

test("a single file, by its name", async () => {
  expect((await open("app/jobs.py", source)).python).toEqual({ "app/jobs.py": source.toString() });
  // a source may look like anything else at its beginning
  const disguised = Buffer.concat([Buffer.from("PK\x03\x04"), source]);
  expect((await open("jobs.py", disguised)).python).toEqual({
    "jobs.py": disguised.toString("latin1"),
  });
});

describe("native files are told by their first bytes", () => {
  const object = Buffer.concat([Buffer.from("\x7fELF"), large]);
  const sym = Buffer.from("MODULE Linux x86_64 0123 app\n");
  const weights = Buffer.alloc(1 << 20, "w");
  const members = [
    { name: "weights.bin", bytes: weights },
    { name: "usr/lib/libshop.so.1", bytes: object },
    { name: "usr/lib/debug/.build-id/ab/cdef.debug", bytes: object },
    { name: "app.sym", bytes: sym },
    { name: "tiny", bytes: Buffer.from("x") },
    { name: "app/jobs.py", bytes: source },
  ];
  const wanted = (archive: string) => ({
    python: { "app/jobs.py": source.toString() },
    native: {
      [`${archive}!/usr/lib/libshop.so.1`]: object.toString("latin1"),
      [`${archive}!/usr/lib/debug/.build-id/ab/cdef.debug`]: object.toString("latin1"),
      [`${archive}!/app.sym`]: sym.toString(),
    },
    refused: {},
    skipped: 2,
  });

  test.each([
    ["a.zip", zip(members)],
    ["a.tar", tar(members)],
    ["a.tar.gz", gzipSync(tar(members))],
    ["a.tar.zst", zstdCompressSync(tar(members))],
  ])(
    "in %s, whatever their names; what is passed over does not end the archive",
    async (name, bytes) => {
      expect(await open(name, bytes)).toEqual(wanted(name));
    },
  );

  test("in an archive of objects, by name or by its first bytes", async () => {
    const objects = [
      { name: "a-unit-with-a-long-name.dwo", bytes: object },
      { name: "notes.txt", bytes: Buffer.from("odd") },
      { name: "b.dwo", bytes: object },
    ];
    for (const name of ["split.a", "split"]) {
      expect(await open(name, ar(objects))).toEqual({
        python: {},
        native: {
          [`${name}!/a-unit-with-a-long-name.dwo`]: object.toString("latin1"),
          [`${name}!/b.dwo`]: object.toString("latin1"),
        },
        refused: {},
        skipped: 1,
      });
    }
  });

  test("an archive of objects that is damaged is refused with what was found", async () => {
    const bytes = ar([{ name: "a.dwo", bytes: object }]);
    bytes.write("x", 8 + 48);
    expect((await open("split.a", bytes)).refused["split.a"]).toMatch(
      /archive member at 0x8: wanted a size/,
    );
  });

  test("what is passed over in a zip is not unpacked", async () => {
    const zeros = Buffer.alloc(8 << 20);
    const passedOver = Array.from({ length: 6 }, (_, at) => ({ name: `${at}.bin`, bytes: zeros }));
    const budget: Budget = { ...newBudget(), unpackedBytes: 20 << 20 };
    expect(await open("a.zip", zip(passedOver), budget)).toMatchObject({ skipped: 6, refused: {} });
  });

  test("a damaged one is refused, a link or what cannot be had is passed over", async () => {
    const bytes = zip([
      { name: "sum.so", bytes: object, crc: 1 },
      { name: "link.so", mode: 0o120777, bytes: Buffer.from("libshop.so.1") },
      { name: "secret.so", encrypted: true },
      { name: "good.so", bytes: object },
    ]);
    const { native, refused, skipped } = await open("a.zip", bytes);
    expect(Object.keys(native)).toEqual(["a.zip!/good.so"]);
    expect(refused).toEqual({ "a.zip!/sum.so": expect.stringContaining("CRC-32") });
    expect(skipped).toBe(2);
  });

  test("a Python file stays one, whatever it begins with", async () => {
    const named = { name: "m.py", bytes: Buffer.from("MODULE = 1\n") };
    const { python, native } = await open("a.zip", zip([named]));
    expect({ python, native }).toEqual({ python: { "m.py": "MODULE = 1\n" }, native: {} });
  });
});

test("a file that is none of ours is refused, with what would be", async () => {
  for (const name of ["core.123", "a.tar", "a.zip", "a.tar.gz"]) {
    const { refused } = await open(name, Buffer.from("hello"));
    expect(refused[name]).toMatch(/\.pyc|tar|zip/);
  }
});

describe("hostile members are refused one by one", () => {
  const hostile: readonly (ZipEntry & { why: string })[] = [
    { name: "../evil.py", why: ".." },
    { name: "/etc/evil.py", why: "absolute" },
    { name: "C:/evil.pyc", why: "absolute" },
    { name: "a/../../evil.zip", why: ".." },
    { name: "link.py", mode: 0o120777, bytes: Buffer.from("/etc/passwd"), why: "link" },
    { name: "secret.py", encrypted: true, why: "encrypted" },
    { name: "lzma.py", method: 14, why: "compression method 14" },
    { name: "sum.py", bytes: source, crc: 1, why: "CRC-32" },
    { name: "short.py", bytes: source, size: 5, why: "too many bytes" },
    { name: "long.py", bytes: source, size: 500, why: "not enough bytes" },
    {
      name: "huge.py",
      bytes: source,
      size: MAX_PYTHON_FILE_BYTES + 1,
      why: "MAX_PYTHON_FILE_BYTES",
    },
  ];

  test("in a zip", async () => {
    const { python, refused } = await open(
      "a.zip",
      zip([...hostile, { name: "good.py", bytes: source }]),
    );
    expect(python).toEqual({ "good.py": source.toString() });
    for (const { name, why } of hostile)
      expect(refused[`a.zip!/${name}`], `of ${name}`).toContain(why);
  });

  test("in a tar", async () => {
    const entries = [
      { name: "../evil.py" },
      { name: "/etc/evil.py" },
      { name: "link.py", type: "2", link: "/etc/passwd" },
      { name: "hard.py", type: "1", link: "/etc/passwd" },
      { name: "device.py", type: "3" },
      { name: "folder.py", type: "5" },
      { name: "good.py", bytes: source },
    ];
    const { python, refused, skipped } = await open("a.tar", tar(entries));
    expect(python).toEqual({ "good.py": source.toString() });
    expect(Object.keys(refused).length + skipped).toBe(entries.length - 1);
    expect(refused["a.tar!/link.py"]).toContain("link");
    expect(refused["a.tar!/hard.py"]).toContain("link");
  });
});

describe("archives inside archives", () => {
  const wheel = zip([{ name: "pkg/a.py", bytes: source }]);

  test("a wheel in a zip, a tar in a tar", async () => {
    const { python, refused } = await open(
      "a.zip",
      zip([
        { name: "w.whl", bytes: wheel },
        { name: "b.py", bytes: source },
      ]),
    );
    expect({ python: Object.keys(python), refused }).toEqual({
      python: ["pkg/a.py", "b.py"],
      refused: {},
    });
    const inner = gzipSync(tar([{ name: "c.py", bytes: large }]));
    const outer = await open(
      "a.tar",
      tar([
        { name: "t.tar.gz", bytes: inner },
        { name: "b.py", bytes: source },
      ]),
    );
    expect({ python: Object.keys(outer.python), refused: outer.refused }).toEqual({
      python: ["c.py", "b.py"],
      refused: {},
    });
  });

  test("deeper than the limit: refused by its name, the rest is read", async () => {
    const second = zip([
      { name: "w.whl", bytes: wheel },
      { name: "c.py", bytes: source },
    ]);
    const { python, refused } = await open("a.zip", zip([{ name: "b.zip", bytes: second }]));
    expect(Object.keys(python)).toEqual(["c.py"]);
    expect(refused).toEqual({
      "a.zip!/b.zip!/w.whl": expect.stringContaining("MAX_ARCHIVE_DEPTH"),
    });
  });

  test("a damaged one costs itself only", async () => {
    const bytes = zip([
      { name: "b.zip", bytes: wheel.subarray(0, 50) },
      { name: "c.py", bytes: source },
    ]);
    const { python, refused } = await open("a.zip", bytes);
    expect(Object.keys(python)).toEqual(["c.py"]);
    expect(refused["a.zip!/b.zip"]).toContain("zip:");
  });
});

describe("cut short at any byte: what is whole is read, the rest is said", () => {
  const few = [
    { name: "a.pyc", bytes: module },
    { name: "b.py", bytes: source },
  ];
  test.each([
    ["a.zip", zip(few)],
    ["a.tar", tar(few)],
    ["a.tar.gz", gzipSync(tar(few))],
    ["a.tar.zst", zstdCompressSync(tar(few))],
  ])("%s", async (name, bytes) => {
    // every byte of the small ones; a tar is mostly padding
    const step = bytes.length > 1_000 ? 7 : 1;
    for (let length = 0; length < bytes.length; length += step) {
      const { python, refused } = await open(name, bytes.subarray(0, length));
      for (const content of Object.values(python)) {
        expect([module.toString("latin1"), source.toString("latin1")]).toContain(content);
      }
      const isWhole = Object.keys(python).length === 2;
      const isSaid = Object.keys(refused).length > 0;
      // a tar that ends between two entries is one without its end mark, which GNU tar takes as well
      expect(isWhole || isSaid || name === "a.tar", `cut at byte ${length}`).toBe(true);
    }
  });

  test("flipped anywhere: no other content than what was packed", async () => {
    const bytes = zip([{ name: "b.py", bytes: source }]);
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 0xff;
      const { python } = await open("a.zip", flipped);
      for (const content of Object.values(python))
        expect(content, `byte ${at}`).toBe(source.toString());
    }
  });
});

describe("bombs", () => {
  const zeros = Buffer.alloc(8 * 1024 * 1024);

  test("what all archives unpack to is bounded, whether it is read or passed over", async () => {
    const budget: Budget = { ...newBudget(), unpackedBytes: 20 * 1024 * 1024 };
    const bomb = zip(Array.from({ length: 6 }, (_, at) => ({ name: `${at}.py`, bytes: zeros })));
    const { python, refused } = await open("bomb.zip", bomb, budget);
    expect(Object.keys(python)).toHaveLength(2);
    expect(refused["bomb.zip"]).toContain("MAX_UNPACKED_BYTES");
    const passedOver = gzipSync(
      tar(Array.from({ length: 6 }, (_, at) => ({ name: `${at}.bin`, bytes: zeros }))),
    );
    const again: Budget = { ...newBudget(), unpackedBytes: 20 * 1024 * 1024 };
    expect((await open("bomb.tgz", passedOver, again)).refused["bomb.tgz"]).toContain(
      "MAX_UNPACKED_BYTES",
    );
    expect(MAX_UNPACKED_BYTES).toBe(4096 * 1024 * 1024);
  });

  test("one inside another stops at the same bound", async () => {
    const inner = gzipSync(
      tar(Array.from({ length: 6 }, (_, at) => ({ name: `${at}.bin`, bytes: zeros }))),
    );
    const outer = zip([
      { name: "inner.tar.gz", bytes: inner, stored: true },
      { name: "c.py", bytes: source },
    ]);
    const budget: Budget = { ...newBudget(), unpackedBytes: 20 * 1024 * 1024 };
    const { refused } = await open("outer.zip", outer, budget);
    expect(Object.values(refused).join()).toContain("MAX_UNPACKED_BYTES");
  });

  test("a million entries in a zip are refused by their count", async () => {
    const central = Buffer.alloc(46 + 4);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(4, 28);
    central.write("a.so", 46);
    const directory = Buffer.alloc(central.length * 1_000_000, central);
    const local = zip([]).subarray(0, 0);
    const bytes = Buffer.concat([
      Buffer.from("PK\x03\x04"),
      local,
      directory,
      zipEnd(1_000_000, directory.length, 4),
    ]);
    const started = performance.now();
    const { refused } = await open("many.zip", bytes);
    expect(refused["many.zip"]).toContain("MAX_ARCHIVE_ENTRIES");
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test("a zip that lies about its count, and a tar, stop at the same number", async () => {
    const budget: Budget = { ...newBudget(), entries: 1_000 };
    const many = Array.from({ length: 1_200 }, (_, at) => ({ name: `${at}.so` }));
    const { skipped, refused } = await open("many.tar", tar(many), budget);
    expect(skipped).toBe(1_000);
    expect(refused["many.tar"]).toContain("MAX_ARCHIVE_ENTRIES");
    const again = await open("many.zip", zip(many), { ...newBudget(), entries: 1_000 });
    expect(again.refused["many.zip"]).toContain("MAX_ARCHIVE_ENTRIES");
    expect(MAX_ARCHIVE_ENTRIES).toBe(500_000);
  });
});

describe("numbers that cannot be", () => {
  test("a tar entry of a size beyond the file, or no number at all", async () => {
    const beyond = tar([{ name: "a.bin", bytes: source, size: 0o77777777777 }]);
    expect((await open("a.tar", beyond)).refused["a.tar"]).toContain("tar:");
    const pax = (size: string): Buffer => {
      const record = ` size=${size}\n`;
      const line = `${record.length + 2}${record}`;
      return tar([
        { name: "pax", type: "x", bytes: Buffer.from(line) },
        { name: "a.py", bytes: source },
      ]);
    };
    for (const size of ["-1", "NaN", "99999999999999999999"]) {
      expect(Object.keys((await open("a.tar", pax(size))).python), `of ${size}`).toEqual([]);
    }
  });

  test("a zip whose offsets lie beyond the file, or beyond all files", async () => {
    const end = zipEnd(70_000, 0xffff_ffff, 0xffff_fff0);
    for (const value of [0n, 1n << 40n, (1n << 53n) + 1n, (1n << 64n) - 1n]) {
      const bytes = Buffer.concat([Buffer.from("PK\x03\x04"), end]);
      bytes.writeBigUInt64LE(value, 4 + 48); // where the directory begins
      expect((await open("a.zip", bytes)).refused["a.zip"], `at ${value}`).toContain("zip:");
      const locator = Buffer.concat([Buffer.from("PK\x03\x04"), end]);
      locator.writeBigUInt64LE(value, 4 + 56 + 8); // where the zip64 end record is
      expect((await open("a.zip", locator)).refused["a.zip"], `at ${value}`).toContain("zip:");
    }
  });
});

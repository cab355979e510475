/**
 * What may change in a crash without changing its keys, and what must change them, over generated
 * stacks.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { groupReport } from "../../src/grouping/index.ts";
import { at, crash, type Death, type FrameFields } from "./stacks.ts";

/** A host: where it keeps the program, its packages and Python. */
interface Host {
  readonly root: string;
  readonly packages: string;
  readonly library: string;
}

const linux: Host = {
  root: "/srv/shop",
  packages: "/srv/shop-venv/lib/python3.12/site-packages",
  library: "/usr/lib/python3.12",
};
const hosts: readonly Host[] = [
  { ...linux, root: "/home/ann/shop" },
  { ...linux, root: "/app" },
  { ...linux, root: "/srv/app/releases/20260606120005" },
  { ...linux, root: "/builds/e50bcb4/src" },
  { ...linux, root: "/opt/shop-1.4.2" },
  { ...linux, root: "/opt/shop.pyz" },
  { ...linux, packages: "/usr/lib/python3/dist-packages", library: "/usr/lib64/python3.8" },
  { ...linux, packages: "/home/ann/.local/lib/python3.9/site-packages" },
  {
    root: "C:\\Users\\Ann Lee\\shop",
    packages: "C:\\Python313\\Lib\\site-packages",
    library: "C:\\Python313\\Lib",
  },
];

type Origin = "root" | "packages" | "library";
interface Call {
  readonly origin: Origin;
  readonly path: string;
  readonly name: string;
}

const on = (host: Host, { origin, path, name }: Call): FrameFields => {
  const separator = host.root.includes("\\") ? "\\" : "/";
  return at([host[origin], ...path.split("/")].join(separator), name);
};
const stackOn = (host: Host, calls: readonly Call[]) => calls.map((call) => on(host, call));

const word = fc.constantFrom(
  "load",
  "parse",
  "resize",
  "charge",
  "train",
  "index",
  "merge",
  "scan",
);
const name = fc.tuple(word, word).map(([verb, noun]) => `${verb}_${noun}s`);
const appCall = fc.record({
  origin: fc.constant<Origin>("root"),
  path: fc.constantFrom("media/thumbs.py", "billing/invoice.py", "ml/train/loop.py", "worker.py"),
  name,
});
const anyCall = fc.oneof(
  { weight: 3, arbitrary: appCall },
  fc.record({
    origin: fc.constant<Origin>("packages"),
    path: fc.constantFrom("cv2/api.py", "torch/nn/functional.py", "django/core/handlers/base.py"),
    name,
  }),
  fc.record({
    origin: fc.constant<Origin>("library"),
    path: fc.constantFrom("json/decoder.py", "queue.py", "threading.py", "contextlib.py"),
    name: fc.constantFrom("raw_decode", "get", "wait", "inner"),
  }),
);
const calls = fc.array(anyCall, { minLength: 1, maxLength: 25 });
const death = fc.constantFrom<Death>(
  { reason: "SIGSEGV" },
  { reason: "SIGABRT" },
  { reason: "SIGFPE" },
  { kind: "timeout", reason: null },
  { kind: "exception", reason: "KeyError" },
  { kind: "fatal", reason: null, message: "deallocating None" },
);
/** Two functions of the program that no other call of a stack is. */
const unlike = (path: string, ...names: readonly string[]): Call[] =>
  names.map((each) => ({ origin: "root", path, name: each }));

const keysOf = (stack: readonly FrameFields[], how: Death = {}) => {
  const { coarse, mid, fine, link } = groupReport(crash(stack, how));
  return { coarse, mid, fine, link };
};
const midOf = (stack: readonly FrameFields[], how: Death = {}) => keysOf(stack, how).mid;

/** Inserts `frame` at every place of the stack that `places` names, counted modulo its length. */
function withFrames(stack: readonly FrameFields[], frame: FrameFields, places: readonly number[]) {
  const grown = [...stack];
  for (const place of places) grown.splice(place % (grown.length + 1), 0, frame);
  return grown;
}
const places = fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 4 });

describe("keeps every key", () => {
  test("other line numbers", () => {
    fc.assert(
      fc.property(calls, death, fc.integer({ min: 1, max: 500 }), (list, how, by) => {
        const stack = stackOn(linux, list);
        const moved = stack.map((frame, index) => ({ ...frame, line: index + by, column: by }));
        expect(keysOf(moved, how)).toEqual(keysOf(stack, how));
      }),
    );
  });

  test("another deploy root, virtual environment, Python and system", () => {
    fc.assert(
      fc.property(calls, death, fc.constantFrom(...hosts), (list, how, host) => {
        expect(keysOf(stackOn(host, list), how)).toEqual(keysOf(stackOn(linux, list), how));
      }),
    );
  });

  test("qualified names in place of names", () => {
    const prefix = fc.constantFrom("Span.", "Outer.Inner.", "make.<locals>.", "Span.f.<locals>.");
    fc.assert(
      fc.property(calls, death, prefix, places, (list, how, before, which) => {
        const stack = stackOn(linux, list);
        const qualified = stack.map((frame, index) =>
          which.includes(index) ? { ...frame, function: `${before}${frame.function}` } : frame,
        );
        expect(keysOf(qualified, how)).toEqual(keysOf(stack, how));
      }),
    );
  });

  test("comprehension frames, which CPython 3.12 has no more", () => {
    const kinds = fc.constantFrom("<listcomp>", "<dictcomp>", "<setcomp>");
    fc.assert(
      fc.property(calls, death, kinds, places, (list, how, kind, where) => {
        const stack = stackOn(linux, list);
        const older = withFrames(stack, at("/srv/shop/media/thumbs.py", kind), where);
        expect(keysOf(older, how)).toEqual(keysOf(stack, how));
      }),
    );
  });

  test("a thread's base in place of the main program's", () => {
    const own = unlike("shop/own.py", "own_work");
    const thread = ["run", "_bootstrap_inner", "_bootstrap"].map((each) =>
      at("/usr/lib/python3.12/threading.py", each),
    );
    const main = [at("/srv/shop/manage.py", "main"), at("/srv/shop/manage.py", "<module>")];
    fc.assert(
      fc.property(calls, death, (list, how) => {
        const stack = stackOn(linux, [...list, ...own]);
        expect(keysOf([...stack, ...main], how)).toEqual(keysOf([...stack, ...thread], how));
      }),
    );
  });

  test("SIGBUS in place of SIGSEGV, and a deeper classification of it", () => {
    fc.assert(
      fc.property(calls, (list) => {
        const stack = stackOn(linux, list);
        const keys = keysOf(stack, { reason: "SIGSEGV" });
        expect(keysOf(stack, { reason: "SIGBUS" })).toEqual(keys);
        expect(keysOf(stack, { reason: "EXCEPTION_ACCESS_VIOLATION" })).toEqual(keys);
        expect(keysOf(stack, { classification: "null-dereference" })).toEqual(keys);
      }),
    );
  });

  test("addresses, release names and build numbers anywhere", () => {
    fc.assert(
      fc.property(calls, fc.integer({ min: 0x10_0000, max: 0x7fff_ffff }), (list, number) => {
        const stack = stackOn({ ...linux, root: `/srv/shop/releases/2026${number}` }, list);
        const message = `object at 0x${number.toString(16)} has refcount ${number}`;
        const how = { kind: "fatal", reason: null };
        const other = "object at 0x55d0deadbeef has refcount 2";
        expect(keysOf(stack, { ...how, message })).toEqual(
          keysOf(stackOn(linux, list), { ...how, message: other }),
        );
      }),
    );
  });
});

describe("keeps the group", () => {
  const top = [...unlike("shop/first.py", "one"), ...unlike("shop/second.py", "two")];

  test("a bottom cut off below the functions that name it", () => {
    fc.assert(
      fc.property(calls, death, fc.nat({ max: 25 }), (list, how, kept) => {
        const stack = stackOn(linux, [...top, ...list]);
        const cut = stack.slice(0, top.length + kept);
        const { fine: _, ...keys } = keysOf(stack, how);
        expect(keysOf(cut, how)).toMatchObject(keys);
      }),
    );
  });

  test("wrappers that a release adds", () => {
    const wrapper = fc.constantFrom(
      at("/srv/shop/core/retry.py", "wrapper"),
      at("/srv/shop/core/db.py", "with_connection"),
      at("/srv/shop/core/trace.py", "_inner"),
      at("/srv/shop-venv/lib/python3.12/site-packages/sentry_sdk/utils.py", "runner"),
      at("/usr/lib/python3.12/contextlib.py", "inner"),
    );
    fc.assert(
      fc.property(calls, death, wrapper, places, (list, how, frame, where) => {
        const stack = stackOn(linux, [...top, ...list]);
        expect(midOf(withFrames(stack, frame, where), how)).toBe(midOf(stack, how));
      }),
    );
  });

  test("other callers further out", () => {
    fc.assert(
      fc.property(calls, calls, death, (list, others, how) => {
        expect(midOf(stackOn(linux, [...top, ...list]), how)).toBe(
          midOf(stackOn(linux, [...top, ...others]), how),
        );
      }),
    );
  });

  test("another frame of a package on top", () => {
    fc.assert(
      fc.property(calls, death, (list, how) => {
        const stack = stackOn(linux, [...top, ...list]);
        const package_ = at("/srv/shop-venv/lib/python3.12/site-packages/cv2/api.py", "resize");
        expect(midOf([package_, ...stack], how)).toBe(midOf(stack, how));
      }),
    );
  });
});

describe("makes another group", () => {
  const [a, b] = [unlike("shop/one.py", "caller_a"), unlike("shop/two.py", "caller_b")];
  const helper = unlike("core/storage.py", "fetch");

  test("the same function on top, called by two", () => {
    fc.assert(
      fc.property(calls, death, (list, how) => {
        expect(midOf(stackOn(linux, [...helper, ...a, ...list]), how)).not.toBe(
          midOf(stackOn(linux, [...helper, ...b, ...list]), how),
        );
      }),
    );
  });

  test("functions of one name in two modules", () => {
    fc.assert(
      fc.property(calls, death, (list, how) => {
        const [one, other] = [unlike("billing/views.py", "get"), unlike("media/views.py", "get")];
        expect(midOf(stackOn(linux, [...one, ...list]), how)).not.toBe(
          midOf(stackOn(linux, [...other, ...list]), how),
        );
      }),
    );
  });

  test("two assertions in one function", () => {
    fc.assert(
      fc.property(calls, (list) => {
        const failed = (expression: string) => ({
          reason: "SIGABRT",
          message: `thumbs.c:41: make: Assertion \`${expression}' failed.`,
        });
        const stack = stackOn(linux, list);
        expect(midOf(stack, failed("size > 0"))).not.toBe(midOf(stack, failed("data != NULL")));
        expect(keysOf(stack, failed("size > 0")).link).toBe(keysOf(stack, failed("x")).link);
      }),
    );
  });

  test("two kinds of death in one function", () => {
    fc.assert(
      fc.property(calls, fc.uniqueArray(death, { minLength: 2, maxLength: 2 }), (list, [x, y]) => {
        const stack = stackOn(linux, [...helper, ...a, ...list]);
        expect(midOf(stack, x)).not.toBe(midOf(stack, y));
      }),
    );
  });
});

test("every frame is explained, once and in order", () => {
  fc.assert(
    fc.property(calls, death, (list, how) => {
      const { frames } = groupReport(crash(stackOn(linux, list), how));
      expect(frames.map(({ index }) => index)).toEqual(list.map((_, index) => index));
      expect(frames.filter(({ reason, role }) => reason === "" || role === "")).toEqual([]);
      expect(frames.filter(({ token, usedIn }) => token === null && usedIn.length > 0)).toEqual([]);
    }),
  );
});

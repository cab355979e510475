import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EntryWay } from "@faultline/pyc";
import type { Frame } from "@faultline/shared";
import { stitchStacks } from "../../src/stitch/thread.ts";
import { activationsOf, cutThread, LOOP, sideOf } from "./stacks.ts";

/** The merged stack as words: native names, "eval", Python names behind a ">". */
const words = (stack: readonly Frame[]): string =>
  stack
    .map((frame) =>
      frame.language === "python"
        ? `>${frame.function}`
        : frame.function === LOOP
          ? "eval"
          : (frame.function ?? "?"),
    )
    .join(" ");

function stitched(native: string, python: Parameters<typeof sideOf>, truncated = false) {
  const side = sideOf(...python);
  const { stack, stitch, gaps } = stitchStacks(
    { activations: activationsOf(native), leftOutBefore: null, truncated },
    side,
  );
  return { words: words(stack), stitch, gaps: gaps.map(({ code }) => code) };
}

describe("by address", () => {
  const run = (frames: number, anchor: bigint | null) => ({ frames, anchor });

  test("runs stand in the activations that hold their anchors, whatever these are called", () => {
    const runs = [run(2, 0x1210n), run(1, 0x13f8n)];
    expect(stitched("strlen ? ? ? main", ["f g main", { runs }])).toEqual({
      words: "strlen ? >f >g ? >main ? main",
      stitch: "exact",
      gaps: [],
    });
  });

  test("what was inlined into the eval loop was called by the frame", () => {
    const runs = [run(1, 0x1110n)];
    expect(stitched("strlen helper+eval main", ["f", { runs }]).words).toBe(
      "strlen helper >f eval main",
    );
  });

  test("an activation that has no frame yet", () => {
    const runs = [run(0, 0x1010n), run(1, 0x1210n)];
    expect(stitched("eval call eval main", ["f", { runs }])).toMatchObject({
      words: "eval call >f eval main",
      stitch: "exact",
    });
  });

  test("a run that lies in none stands with the one that it called", () => {
    const runs = [run(1, 0x1110n), run(1, 0x9_0000n), run(1, 0x1310n)];
    expect(stitched("strlen eval call eval main", ["f g h", { runs }])).toEqual({
      words: "strlen >f >g eval call >h eval main",
      stitch: "approximate",
      gaps: ["stitch-approximate"],
    });
  });

  test("older runs than the native stack has stand at its end", () => {
    const runs = [run(1, 0x1110n), run(2, 0x9_0000n)];
    expect(stitched("strlen eval call", ["f g h", { runs }], true)).toMatchObject({
      words: "strlen >f eval call >g >h",
      stitch: "approximate",
    });
  });

  test("bounds that were found by scanning are not certain", () => {
    const [strlen, loop, main] = activationsOf("strlen eval main");
    const scanned = {
      ...main!,
      frames: main!.frames.map((one) => ({ ...one, foundBy: "scan" as const })),
    };
    const side = sideOf("f", { runs: [run(1, 0x1110n)] });
    const { stitch } = stitchStacks(
      { activations: [strlen!, loop!, scanned], leftOutBefore: null, truncated: false },
      side,
    );
    expect(stitch).toBe("approximate");
  });
});

describe("by count, up to 3.10", () => {
  const minor = 10;

  test("one frame each", () => {
    expect(stitched("strlen eval call eval main", ["f main", { minor }])).toEqual({
      words: "strlen >f eval call >main eval main",
      stitch: "exact",
      gaps: [],
    });
  });

  test("an activation more than frames: the innermost has none yet", () => {
    expect(stitched("eval call eval call eval", ["f main", { minor }])).toEqual({
      words: "eval call >f eval call >main eval",
      stitch: "approximate",
      gaps: ["stitch-approximate"],
    });
  });

  test("frames more than activations: the outermost pair, the innermost stay innermost", () => {
    expect(stitched("strlen eval call eval", ["f g h", { minor }]).words).toBe(
      "strlen >f >g eval call >h eval",
    );
  });

  test("where older native frames are missing they pair from the innermost on", () => {
    expect(stitched("strlen eval call eval", ["f g h", { minor }], true)).toMatchObject({
      words: "strlen >f eval call >g eval >h",
      stitch: "approximate",
    });
  });

  test("where older Python frames are missing they pair from the innermost on", () => {
    const side = { minor, thread: cutThread };
    expect(stitched("strlen eval call eval call eval", ["f g", side])).toMatchObject({
      words: "strlen >f eval call >g eval call eval",
      stitch: "approximate",
    });
  });
});

describe("by names", () => {
  test("one activation runs all frames", () => {
    expect(stitched("strlen eval main", ["f g main"])).toEqual({
      words: "strlen >f >g >main eval main",
      stitch: "exact",
      gaps: [],
    });
  });

  test("an import begins an activation at its module, and at the import machinery", () => {
    const frames =
      "<module>:3 <frozen~importlib._bootstrap>|exec_module <frozen~importlib._bootstrap>|_find_and_load main";
    expect(stitched("strlen eval exec_code eval import eval main", [frames])).toEqual({
      words:
        "strlen ><module> eval exec_code >exec_module >_find_and_load eval import >main eval main",
      stitch: "exact",
      gaps: [],
    });
  });

  test("a native function that calls one special method tells where", () => {
    const native = "strlen eval slot_tp_call eval main";
    expect(stitched(native, ["helper __call__ g main"])).toEqual({
      words: "strlen >helper >__call__ eval slot_tp_call >g >main eval main",
      stitch: "approximate",
      gaps: ["stitch-approximate"],
    });
  });

  test("where nothing tells, the innermost frame is right and the outermost is", () => {
    expect(stitched("strlen eval qsort@libc eval main", ["f g h main"])).toMatchObject({
      words: "strlen >f >g >h eval qsort >main eval main",
      stitch: "approximate",
    });
  });

  test("the callers' lines tell what was called directly, and what through C", () => {
    const named = [{ by: "call", named: true }] as const;
    const operator = [{ by: "other", named: false }] as const;
    const side = sideOf("f g h main");
    const ways = new Map<unknown, readonly EntryWay[]>([
      [side.frames[1], named],
      [side.frames[2], operator],
      [side.frames[3], named],
    ]);
    const { stack, stitch } = stitchStacks(
      {
        activations: activationsOf("strlen eval slot_nb_add eval main"),
        leftOutBefore: null,
        truncated: false,
      },
      { ...side, waysInto: (frame) => ways.get(frame) ?? [] },
    );
    expect([words(stack), stitch]).toEqual([
      "strlen >f >g eval slot_nb_add >h >main eval main",
      "exact",
    ]);
  });

  test("threads that Python starts", () => {
    const frames =
      "spin /lib/threading.py|run /lib/threading.py|_bootstrap_inner /lib/threading.py|_bootstrap";
    const cut = stitched("take_gil eval call eval thread_run", [frames, { minor: 11 }]);
    expect(cut).toMatchObject({
      words: "take_gil >spin eval call >run >_bootstrap_inner >_bootstrap eval thread_run",
      stitch: "exact",
    });
    expect(stitched("take_gil eval thread_run", [frames, { minor: 12 }]).stitch).toBe("exact");
  });

  test("an activation that has no frame yet", () => {
    const native = "push eval call eval main";
    const frames = "<module>";
    expect(stitched(native, [frames])).toMatchObject({
      words: "push eval call ><module> eval main",
      stitch: "approximate",
    });
  });

  test("handlers of instructions belong to their loop", () => {
    const native = "strlen _TAIL_CALL_CALL _TAIL_CALL_CALL_KW eval main";
    expect(stitched(native, ["f main", { minor: 15 }])).toMatchObject({
      words: "strlen _TAIL_CALL_CALL _TAIL_CALL_CALL_KW >f >main eval main",
      stitch: "exact",
    });
  });
});

describe("native frames that are left out of the middle", () => {
  const activations = activationsOf("strlen eval call eval call eval main");
  const native = { activations, leftOutBefore: 4, truncated: false };

  test("nothing lies in the activation before them, whose end is not known", () => {
    const runs = [0x1110n, 0x1320n, 0x1510n].map((anchor) => ({ frames: 1, anchor }));
    const { stack, stitch } = stitchStacks(native, sideOf("f g h", { runs }));
    expect([words(stack), stitch]).toEqual([
      "strlen >f >g eval call eval call >h eval main",
      "approximate",
    ]);
  });

  test("frames are counted from both ends", () => {
    const { stack, stitch } = stitchStacks(native, sideOf("a b c d e", { minor: 9 }));
    expect([words(stack), stitch]).toEqual([
      "strlen >a eval call >b >c >d eval call >e eval main",
      "approximate",
    ]);
  });
});

test("a stack that shows how Python was started lacks nothing that runs it", () => {
  expect(stitched("strlen eval thread_run", ["f g"], true).stitch).toBe("exact");
  expect(stitched("strlen eval call", ["f g"], true).stitch).toBe("approximate");
});

test("without a native frame that is known to run Python there are two stacks", () => {
  expect(stitched("strlen ? ? main", ["f main"])).toEqual({
    words: "strlen ? ? main >f >main",
    stitch: "none",
    gaps: ["not-stitched"],
  });
});

test("one side alone", () => {
  expect(stitched("strlen start_thread", [""])).toEqual({
    words: "strlen start_thread",
    stitch: "none",
    gaps: [],
  });
  expect(stitched("", ["f main"])).toEqual({ words: ">f >main", stitch: "none", gaps: [] });
});

test("machinery is marked", () => {
  const native =
    "list_sort _PyObject_MakeTpCall eval ? ?@libfoo.so pymain_main main _start@python3.12";
  const { stack } = stitchStacks(
    { activations: activationsOf(native), leftOutBefore: null, truncated: false },
    null,
  );
  expect(stack.map(({ role }) => role)).toEqual([
    null,
    "interpreter",
    "interpreter",
    "interpreter",
    null,
    "start",
    null,
    "start",
  ]);
});

test("no frame is ever lost or changes its order", () => {
  const native = fc.array(fc.constantFrom("eval", "call", "slot_tp_init", "?", "a+eval"), {
    maxLength: 12,
  });
  const python = fc.array(fc.constantFrom("f", "g", "__init__", "<module>"), { maxLength: 12 });
  const runs = fc.option(
    fc.array(
      fc.record({
        frames: fc.nat({ max: 3 }),
        anchor: fc.option(fc.bigInt({ min: 0xf00n, max: 0x2000n })),
      }),
    ),
  );
  fc.assert(
    fc.property(
      native,
      python,
      runs,
      fc.constantFrom(null, 9, 12, 14),
      fc.boolean(),
      fc.boolean(),
      (natives, names, list, minor, truncated, cut) => {
        const activations = activationsOf(natives.join(" "));
        let left = names.length;
        const known = list?.map((one) => {
          const frames = Math.min(one.frames, left);
          left -= frames;
          return { ...one, frames };
        });
        const whole = known === undefined ? null : [...known, { frames: left, anchor: null }];
        const side = sideOf(names.join(" "), {
          runs: whole,
          minor,
          ...(cut ? { thread: cutThread } : {}),
        });
        const { stack, stitch, gaps } = stitchStacks(
          { activations, leftOutBefore: null, truncated },
          side,
        );
        expect(stack.filter(({ language }) => language === "python")).toEqual(side.frames);
        const natively = stack.filter(({ language }) => language === "native");
        expect(natively.map((frame) => frame.function)).toEqual(
          activations.flatMap(({ frames }) => frames.map((frame) => frame.function)),
        );
        const both = names.length > 0 && activations.length > 0;
        expect(gaps.length > 0).toBe(both && stitch !== "exact");
      },
    ),
  );
});

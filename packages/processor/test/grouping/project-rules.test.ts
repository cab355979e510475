/** A project's own rules: what each action does, what is refused, and what a change would move. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  aliasKeys,
  currentGrouping,
  groupCrash,
  type GroupInput,
  parseProjectRules,
  previewRules,
} from "../../src/grouping/index.ts";
import {
  MAX_GLOB_STARS,
  MAX_PREVIEWED_CRASHES,
  MAX_PROJECT_RULES,
  MAX_RULE_CHARS,
} from "../../src/grouping/limits.ts";
import { app, crash, type Death, type FrameFields, installed, native, stdlib } from "./stacks.ts";

const python = "libpython3.12.so.1.0";
const call = [native(python, "cfunction_call"), native(python, "_PyEval_EvalFrameDefault")];
const resize = native("cv2.abi3.so", "cv::resize(int)");
const make = app("media/thumbs.py", "make_thumb");
const store = app("media/upload.py", "store");
const emit = app("core/io.py", "emit");

const rulesOf = (text: string) => {
  const { rules, problems } = parseProjectRules(text);
  expect(problems).toEqual([]);
  return rules;
};
const under = (text: string, stack: readonly FrameFields[], death?: Death) =>
  groupCrash(crash(stack, death), { rules: rulesOf(text) }).grouping;
const bare = (stack: readonly FrameFields[], death?: Death) =>
  groupCrash(crash(stack, death)).grouping;

test("skip: as if the frame were not there, and the frame says why", () => {
  const one = under("fn:emit -> skip", [emit, make, store]);
  expect(one.mid).toBe(bare([make, store]).mid);
  expect(one.frames[0]).toMatchObject({
    role: "plumbing",
    usedIn: [],
    reason: "the project's rule: fn:emit -> skip",
  });
  const native_ = under("obj:cv2 -> skip", [resize, ...call, make, store]);
  expect(native_.mid).toBe(bare([make, store]).mid);
});

test("cut: the frame and all above it go", () => {
  const report = native("cv2.abi3.so", "cv::error(int)");
  const handler = native("acme.so", "acme_on_crash");
  const one = under("obj:acme fn:acme_* -> cut", [report, handler, resize, ...call, make]);
  expect(one.culprit).toBe("cv2:cv::resize");
  expect(one.frames[0]?.reason).toMatch(/above a frame/);
  expect(under("py:core.io -> cut", [make, emit, store]).mid).toBe(bare([store]).mid);
});

test("prefix: kept in the fine key, never the culprit", () => {
  const cast = native("cv2.abi3.so", "cv::checked_cast(int)");
  const one = under("fn:*::checked_cast -> prefix", [cast, resize, ...call, make]);
  expect(one.mid).toBe(bare([resize, ...call, make]).mid);
  expect(one.fine).not.toBe(bare([resize, ...call, make]).fine);
  expect(under("fn:emit -> prefix", [emit, make, store]).mid).toBe(bare([make, store]).mid);
});

test("app and notapp: whose code it is", () => {
  const vendored = installed("shop/core.py", "charge");
  const ours = under("file:*/site-packages/shop/* -> app", [vendored, make, store]);
  expect(ours.frames[0]?.role).toBe("app");
  expect(ours.culprit).toBe("shop.core:charge");
  const theirs = under("py:core.* -> notapp", [emit, make, store]);
  expect(theirs.mid).toBe(bare([make, store]).mid);
  const own = under("obj:libpython fn:list_* -> app", [
    native(python, "list_append"),
    ...call,
    make,
  ]);
  expect(own).toMatchObject({ mode: "native", culprit: "libpython:list_append" });
  expect(under("obj:cv2 -> notapp", [resize, ...call, make]).mode).toBe("python");
});

test("culprit: names the group, whatever lies above", () => {
  const one = under("fn:store -> culprit", [make, emit, store, app("api/views.py", "upload")]);
  expect(one.culprit).toBe("media.upload:store");
  expect(under("fn:make_thumb -> culprit", [resize, ...call, make, store]).mid).toBe(
    bare([make, store]).mid,
  );
  const inner = native("cv2.abi3.so", "cv::interpolate(int)");
  expect(under("fn:cv::resize -> culprit", [inner, resize, ...call, make]).culprit).toBe(
    "cv2:cv::resize",
  );
});

test("kind: another class of death", () => {
  const rule = 'kind:abort msg:"*license*" -> kind=oom';
  const one = under(rule, [make, store], { reason: "SIGABRT", message: "license server gone" });
  expect(one.title).toBe("Out of memory in media.thumbs:make_thumb");
  const other = { reason: "SIGABRT", message: "disk full" };
  expect(under(rule, [make, store], other).mid).toBe(bare([make, store], other).mid);
});

test("key: one group by the text, or parts of a group by the key it would have had", () => {
  const all = 'obj:cv2 -> key="the vision vendor"';
  const one = under(all, [resize, ...call, make]);
  expect(one.mid).toBe(under(all, [resize, ...call, store], { reason: "SIGFPE" }).mid);
  expect(one.mid).not.toBe(bare([resize, ...call, make]).mid);
  const each = 'kind:memory -> key="night {default}"';
  const [a, b] = [make, store].map((frame) => under(each, [frame]));
  expect([a?.mid === b?.mid, a?.mid === bare([make]).mid]).toEqual([false, false]);
  expect(under(each, [make]).mid).toBe(a?.mid);
  // What a rule files, nothing automatic moves.
  const crashes = [crash([resize, ...call, make]), crash([make])];
  const sightings = crashes.map((input) => groupCrash(input, { rules: rulesOf(all) }).sighting);
  expect(sightings.map(({ pinned }) => pinned)).toEqual([true, false]);
});

test("the first rule that fits decides, comments and empty lines do not", () => {
  const text = "# ours\n\nfn:emit -> notapp   # a comment\nfn:em* -> culprit\n";
  expect(under(text, [emit, make, store]).frames[0]?.reason).toBe(
    "the project's rule: fn:emit -> notapp",
  );
});

test("a rule that touches no frame changes nothing", () => {
  for (const stack of [[make, store], [resize, ...call, make], [stdlib("queue.py", "get")]]) {
    const { frames, ...keys } = bare(stack);
    expect(under("fn:nothing_of_the_kind -> cut", stack)).toEqual({ ...keys, frames });
  }
});

test.each([
  ["fn:a", /no ->/],
  ["-> skip", /needs a matcher/],
  ["fn:a -> jump", /unknown action "jump"/],
  ["fn:a -> key=", /unknown action/],
  ["name:a -> skip", /unknown matcher name:/],
  ["fn:a b -> skip", /wanted NAME:GLOB, found "b"/],
  ["kind:hang -> skip", /skip is said of frames/],
  [`fn:${"a*".repeat(MAX_GLOB_STARS + 1)} -> skip`, /MAX_GLOB_STARS/],
  [`fn:${"a".repeat(MAX_RULE_CHARS)} -> skip`, /MAX_RULE_CHARS/],
])("%s is refused by its line, the others are in force", (text, problem) => {
  const { rules, problems } = parseProjectRules(`fn:x -> cut\n${text}\nfn:y -> skip`);
  expect(problems).toEqual([{ line: 2, problem: expect.stringMatching(problem) }]);
  expect(rules.map(({ line }) => line)).toEqual([1, 3]);
});

test("rules past the limit are told, once", () => {
  const { rules, problems } = parseProjectRules("fn:a -> skip\n".repeat(MAX_PROJECT_RULES + 9));
  expect(rules).toHaveLength(MAX_PROJECT_RULES);
  expect(problems).toEqual([
    { line: MAX_PROJECT_RULES + 1, problem: expect.stringMatching(/MAX_PROJECT_RULES/) },
  ]);
});

test("any text is rules and problems, and any rules group any crash", () => {
  const piece = fc.constantFrom(
    "fn:",
    "obj:",
    "msg:",
    '"',
    "*",
    "a",
    " ",
    "->",
    "skip",
    "cut",
    "key=",
    "{default}",
    "\n",
    "#",
    "emit",
    "kind=hang",
    "culprit",
  );
  const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(text, (rules) => {
      const parsed = parseProjectRules(rules);
      const { grouping } = groupCrash(crash([emit, resize, make]), { rules: parsed.rules });
      expect(grouping.frames).toHaveLength(3);
    }),
  );
});

test("a preview counts what a change would touch, move, split and merge", () => {
  const reports: GroupInput[] = [
    crash([emit, make, store]),
    crash([make, store]),
    crash([emit, store]),
    crash([app("a/b.py", "other")]),
  ];
  const preview = previewRules(reports, [], rulesOf("fn:emit -> skip"));
  expect(preview).toMatchObject({ crashes: 4, touched: 2, groupsBefore: 4, groupsAfter: 3 });
  expect(preview.merged).toHaveLength(1);
  expect(preview.split).toEqual([]);
  expect(preview.moves).toHaveLength(2);
  expect(previewRules(reports, rulesOf("fn:emit -> skip"), []).split).toEqual(preview.merged);
  expect(previewRules(reports, [], [])).toMatchObject({ touched: 0, moves: [], groupsAfter: 4 });
  const many = Array.from({ length: MAX_PREVIEWED_CRASHES + 1 }, () => reports[0]!);
  expect(previewRules(many, [], []).crashes).toBe(MAX_PREVIEWED_CRASHES);
});

test("a group is known by the keys of earlier algorithms, the newest first", () => {
  const input = crash([make, store]);
  const older = ["cgA", "cgB"].map((id) => ({ ...currentGrouping, id }));
  const all = [...older, currentGrouping];
  expect(aliasKeys(input, new Set(["cgA", "cgB"]), all).map(({ ruleset }) => ruleset)).toEqual([
    "cgB",
    "cgA",
  ]);
  const [one] = aliasKeys(input, new Set(["cgA"]), all);
  expect(one?.mid).toBe(groupCrash(input, { algorithm: older[0]! }).grouping.mid);
  expect(one?.mid).not.toBe(groupCrash(input).grouping.mid);
  expect(aliasKeys(input, new Set([currentGrouping.id]))).toEqual([]);
});

test("a preview groups as a service does: callers of one library stay together unless a rule parts them", () => {
  const jobs = ["a", "b", "c", "d", "e"].map((name) => app(`jobs/${name}.py`, `run_${name}`));
  const one = jobs.map((job) => crash([native("libacme.so.7", "acme_send"), ...call, job, store]));
  const reports = [...one, ...one, ...one];
  expect(previewRules(reports, [], [])).toMatchObject({ groupsBefore: 1, groupsAfter: 1 });
});

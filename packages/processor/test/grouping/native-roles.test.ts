/** Every entry of the lists of native functions does what the list is for. */
import { expect, test } from "vitest";
import { groupReport } from "../../src/grouping/index.ts";
import { functionKey } from "../../src/grouping/native-name.ts";
import { nativeObject } from "../../src/grouping/native-object.ts";
import { namesOf, nativeRule } from "../../src/grouping/native-role.ts";
import { assertionForms } from "../../src/grouping/rules/assertion-forms.ts";
import { kindRules } from "../../src/grouping/rules/kinds.ts";
import {
  nativeRules,
  type NativeRule,
  type RuleScope,
} from "../../src/grouping/rules/native-roles.ts";
import { assertionOf } from "../../src/grouping/message.ts";
import { app, crash, native } from "./stacks.ts";

/** An object in which a rule of a scope holds. */
const homes: Readonly<Record<RuleScope, string>> = {
  anywhere: "cv2.abi3.so",
  cpython: "libpython3.12.so.1.0",
  system: "libc.so.6",
};
const exact = (rule: NativeRule) => namesOf(rule).filter((name) => !name.includes("*"));
const at = (object: string, name: string) => nativeRule(nativeObject(object), name);

test.each(nativeRules.map((rule) => [rule.because, rule] as const))("%s", (_, rule) => {
  const others = namesOf(rule).filter((name) => {
    const found = at(homes[rule.scope], name.replaceAll("*", "X"));
    return found?.role !== rule.role;
  });
  expect(others).toEqual([]);
});

test("names are spelled as they are compared: a key is the key of itself", () => {
  const names = nativeRules.flatMap(exact).filter((name) => !name.startsWith("_Z"));
  expect(names.filter((name) => functionKey(name) !== name)).toEqual([]);
});

test("no name stands twice", () => {
  const names = nativeRules.flatMap((rule) => namesOf(rule).map((name) => `${rule.scope} ${name}`));
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test("an extension's own functions are its author's, whatever CPython calls its own", () => {
  const own = nativeRules.filter(({ scope }) => scope === "cpython").flatMap(exact);
  expect(own.filter((name) => at("cv2.abi3.so", name)?.scope === "cpython")).toEqual([]);
  const stack = [native("cv2.abi3.so", "node_dealloc"), native("libpython3.12.so", "_Py_Dealloc")];
  expect(groupReport(crash(stack))).toMatchObject({ mode: "native", culprit: "cv2:node_dealloc" });
});

test("handlers are cut with all above them, the fuzzer that called everything is not", () => {
  const stack = (name: string) => [
    native("libc.so.6", "raise"),
    native("cv2.so", "report"),
    native("libc.so.6", name),
    native("cv2.so", "resize"),
    native("fuzz", "fuzzer::Fuzzer::ExecuteCallback(unsigned char const*, unsigned long)"),
  ];
  const cuts = nativeRules.filter(({ role }) => role === "cut").flatMap(exact);
  expect(cuts.length).toBeGreaterThan(10);
  const kept = cuts.filter((name) => groupReport(crash(stack(name))).culprit !== "cv2:resize");
  expect(kept).toEqual([]);
});

test("what ends a process is dropped with all above it, in deaths that may end so", () => {
  const stack = (name: string) => [
    native("cv2.so", "on_crash"),
    native("libc.so.6", name),
    native("cv2.so", "resize"),
  ];
  const ends = nativeRules.filter(({ role }) => role === "abort").flatMap(exact);
  const aborted = (name: string) => groupReport(crash(stack(name), { reason: "SIGABRT" }));
  expect(ends.filter((name) => aborted(name).culprit !== "cv2:resize")).toEqual([]);
  const segfault = groupReport(crash(stack("abort"), { reason: "SIGSEGV" }));
  expect(segfault.culprit).toBe("cv2:on_crash");
});

test("causes are kinds", () => {
  const causes = nativeRules.flatMap(({ cause }) => cause ?? []);
  expect(causes.filter((cause) => !kindRules.has(cause))).toEqual([]);
});

test("the cause that native frames tell is in the title", () => {
  const title = (...names: readonly string[]) => {
    const frames = names.map((name) => native("libc.so.6", name));
    return groupReport(crash([...frames, native("cv2.so", "resize")], { reason: "SIGABRT" })).title;
  };
  expect(title("abort", "__assert_fail")).toBe("Assertion failed in cv2: resize");
  expect(title("abort", "std::terminate()", "__cxa_throw")).toBe("Terminate in cv2: resize");
  expect(title("abort", "rust_panic", "core::panicking::panic")).toBe("Rust panic in cv2: resize");
  expect(title("abort", "_Py_FatalErrorFunc")).toBe("Fatal Python error in cv2: resize");
  expect(title("abort", "__libc_message", "malloc_printerr")).toBe("Heap corruption in cv2");
});

test("mechanisms leave the blame to the Python code that used them", () => {
  const blamed = (name: string) => {
    const stack = [
      native("acme.so", "send"),
      native("libffi.so.8", name),
      app("shop/api.py", "pay"),
    ];
    return groupReport(crash(stack)).mode;
  };
  const names = nativeRules.filter(({ mechanism }) => mechanism === true).flatMap(exact);
  expect(names.filter((name) => blamed(name) !== "python")).toEqual([]);
});

const worded: Readonly<
  Record<string, readonly [message: string, expression: string, place: string | null]>
> = {
  "glibc (assert.c), CPython's debug build, Boost": [
    "python3: src/a.c:316: f: Assertion `x != 0' failed.",
    "x != 0",
    "f",
  ],
  "macOS and FreeBSD": [
    "Assertion failed: (n < 16), function f, file a.c, line 3.",
    "n < <n>",
    "f",
  ],
  "the MSVC runtime": ["Assertion failed: p != NULL, file src\\a.c, line 3", "p != NULL", "a"],
  musl: ["Assertion failed: size > 0 (src/a.c: f: 12)", "size > 0", "f"],
  OpenCV: [
    "OpenCV(4.5.1) resize.cpp:4052: error: (-215:Assertion failed) !ssize.empty() in function 'resize'",
    "!ssize.empty()",
    "resize",
  ],
  GLib: ["**\nERROR:src/a.c:709:get: assertion failed: (j < i)", "j < i", "get"],
  PyTorch: [
    'x.defined() INTERNAL ASSERT FAILED at "../aten/src/X.cpp":123, please report a bug',
    "x.defined()",
    "X",
  ],
  "abseil, glog, Chromium, V8": [
    "F0101 12:00:00.123456 1234 file.cc:41] Check failed: x > y (3 vs. 4)",
    "x > y",
    "file",
  ],
  "Rust's assert!": [
    "thread '<unnamed>' panicked at src/codec.rs:1:2:\nassertion `left == right` failed\n  left: 1",
    "left == right",
    "codec",
  ],
  anybody: ["assertion failed: ready", "ready", null],
};

test.each(assertionForms.map(({ whose }) => whose))("assertions of %s", (whose) => {
  const [message, expression, place] = worded[whose]!;
  expect(assertionOf(message)).toEqual({ expression, place });
  const first = assertionForms.find(({ pattern }) => pattern.test(message));
  expect(first?.whose).toBe(whose);
});

test("values and addresses are no part of an assertion", () => {
  const expression = (message: string) => assertionOf(message)?.expression;
  expect(expression("Check failed: a == b (5 vs. 4)")).toBe("a == b");
  expect(expression("Check failed: p == 0x7f30c0ffee")).toBe(
    expression("Check failed: p == 0x55d0deadbeef"),
  );
  expect(expression("Check failed: got 4711 rows")).toBe(expression("Check failed: got 815 rows"));
  expect(expression("Check failed: n < 8")).not.toBe(expression("Check failed: n < 9"));
  expect(assertionOf("terminate called")).toBeNull();
});

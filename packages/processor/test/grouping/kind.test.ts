import { expect, test } from "vitest";
import type { GroupInput } from "../../src/grouping/index.ts";
import { readCrash } from "../../src/grouping/input.ts";
import { kindOf } from "../../src/grouping/kind.ts";
import { messageToken } from "../../src/grouping/message.ts";

const kinds: readonly (readonly [GroupInput, string, string, string | null])[] = [
  [{ kind: "signal", reason: "SIGSEGV" }, "memory", "memory", null],
  [{ kind: "signal", reason: "SIGSEGV", message: "Segmentation fault" }, "memory", "memory", null],
  [{ kind: "signal", message: "Bus error" }, "memory", "memory", null],
  [{ kind: "fatal", message: "Fatal Python error: Segmentation fault" }, "memory", "memory", null],
  [{ kind: "SIGBUS" }, "memory", "memory", null],
  [{ kind: "windows-exception", reason: "EXCEPTION_ACCESS_VIOLATION" }, "memory", "memory", null],
  [{ kind: "windows-exception", message: "access violation" }, "memory", "memory", null],
  [
    { kind: "windows-exception", reason: "code 0xe06d7363" },
    "other:code 0xe06d7363",
    "other:code 0xe06d7363",
    null,
  ],
  [{ kind: "signal", reason: "SIGSEGV /SEGV_MAPERR" }, "memory", "memory", null],
  [{ kind: "signal", reason: "SIGFPE / FPE_INTDIV" }, "arith", "arith", null],
  [
    { kind: "windows-exception", reason: "EXCEPTION_ACCESS_VIOLATION_WRITE" },
    "memory",
    "memory",
    null,
  ],
  [{ kind: "windows-exception", message: "code 0xc0000374" }, "abort", "heap-corruption", null],
  [{ kind: "signal", reason: "SIGXCPU" }, "other:sigxcpu", "other:sigxcpu", null],
  [{ kind: "signal", reason: "SIGFPE" }, "arith", "arith", null],
  [{ kind: "signal", reason: "SIGABRT" }, "abort", "abort", null],
  [{ kind: "signal", reason: "SIGABRT", message: "Aborted" }, "abort", "abort", null],
  [{ kind: "signal", reason: "SIGABRT", classification: "assertion" }, "abort", "assert", null],
  [
    { kind: "signal", reason: "SIGABRT", classification: "heap-corruption" },
    "abort",
    "heap-corruption",
    null,
  ],
  [
    { kind: "signal", reason: "SIGSEGV", classification: "null-dereference" },
    "memory",
    "memory",
    null,
  ],
  [
    { kind: "signal", reason: "SIGSEGV", classification: "stack-overflow" },
    "memory",
    "stack-overflow",
    null,
  ],
  [
    { kind: "fatal", message: "deallocating None", classification: "fatal-python-error" },
    "abort",
    "fatal-python-error",
    "deallocating None",
  ],
  [
    { kind: "SIGABRT", message: "Fatal Python error: none_dealloc: deallocating None" },
    "abort",
    "fatal-python-error",
    "deallocating None",
  ],
  [{ kind: "signal", classification: "null-dereference" }, "memory", "memory", null],
  [{ kind: "fatal" }, "abort", "fatal-python-error", null],
  [{ kind: "timeout" }, "hang", "hang", null],
  [{ kind: "hang" }, "hang", "hang", null],
  [{ kind: "dump", classification: "snapshot" }, "dump", "dump", null],
  [
    { kind: "exception", reason: "json.decoder.JSONDecodeError" },
    "exception:JSONDecodeError",
    "exception:JSONDecodeError",
    null,
  ],
  [
    { kind: "exception", message: "KeyError: (1, 0)" },
    "exception:KeyError",
    "exception:KeyError",
    null,
  ],
  [{ kind: "exception", message: "division by zero" }, "exception", "exception", null],
  [{ kind: "exception", reason: "RecursionError" }, "memory", "stack-overflow", null],
  [{}, "unknown", "unknown", null],
];

test.each(kinds)("%j", (input, base, refined, message) => {
  expect(kindOf(readCrash(input))).toMatchObject({ base, refined, message });
});

test.each([
  ["a.c:316: f: Assertion `x != 0' failed.", "assert x != 0"],
  ["b.c:9: g: Assertion `x != 0' failed", "assert x != 0"],
  ["Assertion failed: (n < 16), function f, file a.c, line 3.", "assert n < <n>"],
  ["Check failed: size == 4 (5 vs. 4)", "assert size == 4"],
  ["Fatal Python error: PyEval_SaveThread: the tstate is NULL", "the tstate is NULL"],
  ["object at 0x7f30c0ffee has 3 refs", "object at <n> has <n> refs"],
  ["cannot open /srv/shop/a.txt", "cannot open <path>"],
  ["cannot open C:\\shop\\a.txt", "cannot open <path>"],
  ["module 'numpy' twice", "module <text> twice"],
  ["job 3f2504e0-4f89-41d3-9a0c-0305e82c3301 died", "job <uuid> died"],
  ["first line\nsecond line", "first line"],
])("%j becomes %j", (message, token) => expect(messageToken(message)).toBe(token));

test("a message token is bounded", () => {
  expect(messageToken("x".repeat(1000))).toHaveLength(120);
});

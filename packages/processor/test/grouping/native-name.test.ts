/** Names of native functions: own cases, and every pair of two peers with each deliberate difference. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { corpus, corpusSkipReason } from "../../../../test/corpus.ts";
import { functionKey } from "../../src/grouping/native-name.ts";

test.each([
  // Clones, versions, offsets.
  ["resize.cold", "resize"],
  ["resize.constprop.0.isra.0", "resize"],
  ["resize(int) [clone .part.0] [clone .cold]", "resize"],
  ["_PyEval_EvalFrameDefault.cold.3", "_PyEval_EvalFrameDefault"],
  ["gsignal@@GLIBC_2.34", "gsignal"],
  ["memcpy@plt", "memcpy"],
  ["PyInit_algos+0x123", "PyInit_algos"],
  ["step.llvm.123456789", "step"],
  // The C library.
  ["__memmove_avx_unaligned_erms", "memmove"],
  ["__strlen_evex", "strlen"],
  ["__memcpy_chk", "memcpy"],
  ["__strlen_asimd", "strlen"],
  ["__GI___libc_free", "free"],
  ["__GI_raise", "raise"],
  ["__interceptor_memcpy", "memcpy"],
  ["__asan_memcpy", "memcpy"],
  ["__libc_start_main", "__libc_start_main"],
  ["__libc_message", "__libc_message"],
  // Cython: the counter goes, the class stays.
  ["__pyx_pw_5mypkg_4core_6Matrix_3dot", "cy:mypkg.core.Matrix.dot"],
  ["__pyx_pf_5mypkg_4core_6Matrix_15dot", "cy:mypkg.core.Matrix.dot"],
  ["__pyx_pw_5mypkg_4core_3add_x", "cy:mypkg.core.add_x"],
  ["__pyx_pw_5mypkg_4core_15add_x", "cy:mypkg.core.add_x"],
  ["__pyx_f_5mypkg_4core_add", "cy:mypkg.core.add"],
  ["__pyx_tp_dealloc_5mypkg_4core_Matrix", "cy:mypkg.core.Matrix.tp_dealloc"],
  // Rust, legacy, v0 and half undone.
  ["core::panicking::panic_fmt::hfaa5d90abc8041c7", "core::panicking::panic_fmt"],
  ["_ZN4core9panicking9panic_fmt17hfaa5d90abc8041c7E", "core::panicking::panic_fmt"],
  ["thumbs[4f2ac9e1b2c3d4e5]::codec::decode", "thumbs::codec::decode"],
  ["<alloc::vec::Vec<T> as core::ops::drop::Drop>::drop", "alloc::vec::Vec<T>::drop"],
  [
    "_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$core..ops..drop..Drop$GT$::drop::h0123456789abcdef",
    "alloc::vec::Vec<T>::drop",
  ],
  ["a::b::{{closure}}", "a::b::{lambda}"],
  ["a::b::{closure#0}", "a::b::{lambda}"],
  // C++, of GCC, Clang and MSVC.
  ["ns::Mat<float>::at(int) const", "ns::Mat<T>::at"],
  ["ns::Mat<float>::at", "ns::Mat<T>::at"],
  ["static float* ns::Mat<float>::at(int, char const*)", "ns::Mat<T>::at"],
  ["cv::(anonymous namespace)::resize(int)", "cv::{anon}::resize"],
  ["cv::`anonymous namespace'::resize", "cv::{anon}::resize"],
  ["cv::?A0x1f2e3d4c::resize", "cv::{anon}::resize"],
  ["main::{lambda(int)#1}::operator()(int) const", "main::{lambda}::operator()"],
  ["main::<lambda_5db80dab47756d3e72c2dcd38b80b1dd>::operator()", "main::{lambda}::operator()"],
  ["ns::f(int)::{lambda(auto:1)#2}::operator()<int>(int) const", "ns::f::{lambda}::operator()"],
  ["std::__cxx11::basic_string<char>::append(char const*)", "std::basic_string<T>::append"],
  ["std::__1::vector<int>::push_back(int&&)", "std::vector<T>::push_back"],
  ["foo[abi:cxx11](int)", "foo"],
  ["operator new(unsigned long)", "operator new"],
  ["a::operator bool() const", "a::operator bool"],
  ["a::B<int>::operator<<(std::ostream&)", "a::B<T>::operator<<"],
  ["non-virtual thunk to Foo::bar()", "Foo::bar"],
  ["_ZN8__main__7computeB2v1E5ArrayIdLi1E", "__main__::compute"],
  // Brackets that do not close.
  ["foo(", "foo"],
  ["foo<bar", "foo<T>"],
  ["<signal handler called>", "<signal handler called>"],
])("%s → %s", (name, key) => expect(functionKey(name)).toBe(key));

test.each([
  "??",
  "",
  " ",
  "<unknown>",
  "<unknown in ntdll.pdb>",
  "<name omitted>",
  "0x7f30c0ffee",
  "(null)",
  "sub_7ff612340",
])("%j is no name", (name) => expect(functionKey(name)).toBeNull());

test("a key is the key of itself, and any text has one or none", () => {
  const part = fc.constantFrom(
    "ns",
    "::",
    "<",
    ">",
    "(",
    ")",
    " ",
    "operator",
    "const",
    "{",
    "}",
    "`",
    "'",
    "f",
    "_Z",
    "$",
    "int",
    "&",
    "*",
    "__pyx_pw_",
    "3",
    ".cold",
  );
  const names = fc.array(part, { maxLength: 24 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(names, fc.string({ maxLength: 60 })), (name) => {
      const key = functionKey(name);
      expect(key === null || (key.length > 0 && key.length <= 200)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

if (corpus === null) process.stdout.write(`peers' name pairs: skipped, ${corpusSkipReason}\n`);

type Pair = readonly [name: string, wanted: string];
const read = (path: string): unknown =>
  JSON.parse(readFileSync(join(corpus ?? "", "grouping", path), "utf8"));

/** What a peer's answer would be if it decided as we do, in these respects and no other. */
const differences: readonly (readonly [why: string, apply: (wanted: string) => string])[] = [
  [
    "Rust: a method is named without the trait it implements",
    (name) => name.replace(/^<(.+?)(?: as [^>]+(?:<T>)?)?>::/, "$1::"),
  ],
  ["Rust: a parameter is a type like another", (name) => name.replace("<BODY>", "<T>")],
  [
    "closures and lambdas share one spelling",
    (name) =>
      name
        .replaceAll("{{closure}}", "{lambda}")
        .replace(/(?<=^|::)(?:lambda|\$)(?=$|::)/, "{lambda}"),
  ],
  [
    "anonymous namespaces are spelled {anon}",
    (name) => name.replace("(anonymous namespace)", "{anon}"),
  ],
  ["a leading :: says nothing", (name) => name.replace(/^::/, "")],
  ["no line numbers", (name) => name.replace(/:\d+$/, "")],
];
const asOurs = (wanted: string): string =>
  differences.reduce((name, [, apply]) => apply(name), wanted);

describe.skipIf(corpus === null)("peers", () => {
  const sentry = () =>
    (
      read("sentry-2019/function_name_trimming_pairs.json") as {
        test_trim_function_name: { cases: Pair[] };
      }
    ).test_trim_function_name.cases;
  const socorro = (what: string) =>
    (
      read("socorro/siggen_param_cases.json") as Record<
        string,
        { cases: [string, string, string][] }
      >
    )[`test_rules:TestCSignatureTool.test_normalize_${what}_function`]!.cases.map(
      ([name, , wanted]): Pair => [name, wanted],
    );

  test("Sentry's 28 trimmed names", () => {
    const pairs = sentry();
    expect(pairs).toHaveLength(28);
    // Objective-C methods as they are; Swift's return types are cut with the arguments.
    expect(pairs.filter(([name, wanted]) => functionKey(name) !== asOurs(wanted))).toEqual([]);
  });

  test("Socorro's 26 and 5 normalised names", () => {
    const pairs = [...socorro("cpp"), ...socorro("rust")];
    expect(pairs).toHaveLength(31);
    expect(pairs.filter(([name, wanted]) => functionKey(name) !== asOurs(wanted))).toEqual([]);
  });

  test("Socorro's return types: what it leaves, without the arguments it leaves, too", () => {
    const { cases } = (
      read("socorro/siggen_param_cases.json") as Record<string, { cases: Pair[] }>
    )["test_utils:test_drop_prefix_and_return_type"]!;
    expect(cases).toHaveLength(36);
    expect(cases.filter(([name, wanted]) => functionKey(name) !== functionKey(wanted))).toEqual([]);
  });

  test("every difference is needed", () => {
    const all = [...sentry(), ...socorro("cpp"), ...socorro("rust")];
    const unused = differences.filter(
      ([, apply]) => !all.some(([, wanted]) => apply(wanted) !== wanted),
    );
    expect(unused.map(([why]) => why)).toEqual([]);
  });
});

/**
 * How failed assertions are worded. Groups: `expression`, and `function` and `file` where the
 * wording has them. The first form that fits decides.
 */
export interface AssertionForm {
  readonly whose: string;
  readonly pattern: RegExp;
}

export const assertionForms: readonly AssertionForm[] = [
  {
    whose: "glibc (assert.c), CPython's debug build, Boost",
    pattern:
      /(?:(?<file>[^\s:]{1,300}):\d+: )?(?:(?<function>[^\n:]{1,300}(?:::[^\n:]{1,300}){0,8}): )?Assertion\s+[`'"‘](?<expression>.{1,600}?)['"’]\s+failed/,
  },
  {
    whose: "macOS and FreeBSD",
    pattern:
      /Assertion failed:\s*(?<expression>.{1,600}?),\s+function (?<function>[^,\n]{1,200}),\s+file (?<file>[^,\n]{1,300})/,
  },
  {
    whose: "the MSVC runtime",
    pattern:
      /Assertion failed:\s*(?<expression>.{1,600}?),\s+file (?<file>[^,\n]{1,300}),\s+line\b/,
  },
  {
    whose: "musl",
    pattern:
      /Assertion failed:\s*(?<expression>.{1,600}?) \((?<file>[^\s:()]{1,300}): (?<function>[^\n]{1,200}?): \d+\)/,
  },
  {
    whose: "OpenCV",
    pattern:
      /Assertion failed\)\s*(?<expression>.{1,600}?)\s+in (?:function '(?<function>[^'\n]{1,200})'|\S+)/,
  },
  {
    whose: "GLib",
    pattern:
      /(?<file>[^\s:]{1,300}):\d+:(?<function>[^\s:]{1,200}): assertion failed:?\s*(?<expression>[^\n]{1,600})/,
  },
  {
    whose: "PyTorch",
    pattern:
      /(?<expression>[^\n]{1,600}?)\s+INTERNAL ASSERT FAILED at\s+"?(?<file>[^"\s:]{1,300})"?:\d+/,
  },
  {
    whose: "abseil, glog, Chromium, V8",
    pattern:
      /(?:(?<file>[^\s:[\]()]{1,300})[:(]\d+\)?[\]:] )?(?:Debug |Security D?)?(?:Check|CHECK|DCHECK) failed:\s*(?<expression>[^\n]{1,600})/,
  },
  {
    whose: "Rust's assert!",
    pattern:
      /panicked at (?:(?<file>[^\s:']{1,300}):\d+:\d+:\s*)?'?assertion (?:failed: |`)(?<expression>[^\n]{1,600}?)(?:` failed|'?(?:, |$|\n))/,
  },
  {
    whose: "anybody",
    pattern: /\bassertion failed:?\s*(?<expression>[^\n]{1,600})/i,
  },
];

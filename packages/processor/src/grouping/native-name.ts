/**
 * The name of a native function → the part of it that stays the same over compilers, demanglers,
 * optimisation levels, releases and C libraries.
 *
 * C++ (Itanium and MSVC spelling), Rust (legacy and v0), Cython, GCC's and LLVM's clones, glibc's
 * aliases and processor variants. Arguments, template arguments and return types go: debuggers
 * disagree on them. Left out: mangled names but the simplest, for reports hold demangled ones.
 */
import { cythonName } from "./cython-name.ts";
import { MAX_KNOWN_NAMES, MAX_NAME_CHARS } from "./limits.ts";
import { withoutTypes } from "./native-types.ts";

const known = new Map<string, string | null>();

/** Null where the name is no name: `??`, an address, a placeholder. */
export function functionKey(name: string): string | null {
  const before = known.get(name);
  if (before !== undefined) return before;
  const key = keyOf(name);
  if (known.size >= MAX_KNOWN_NAMES) known.clear();
  known.set(name, key);
  return key;
}

const noName =
  /^(?:\?*|-|<(?:unknown|redacted|name omitted|none|null)[^>]*>|\(?(?:unknown|no symbols?|null)\)?|(?:sub_|fun_|func_)?(?:0x)?[0-9a-f]{5,16}|@?0x[0-9a-f]+)$/i;

function keyOf(name: string): string | null {
  const text = name.trim();
  if (noName.test(text)) return null;
  if (isFixed(text)) return text.slice(0, MAX_NAME_CHARS);
  const bare = withoutSuffixes(text);
  const cython = cythonName(bare);
  if (cython !== null) return cython.slice(0, MAX_NAME_CHARS);
  const plain = withoutTypes(unified(demangled(bare)));
  const key = libraryName(plain).slice(0, MAX_NAME_CHARS);
  return key === "" ? null : key;
}

/** `<signal handler called>` of gdb, and Objective-C methods, are no C++. */
const isFixed = (name: string): boolean =>
  /^<(?:signal handler|function) called\b|^[-+]\[/.test(name);

/** What linkers and optimisers append, and what tools put around a name. */
function withoutSuffixes(name: string): string {
  return name
    .replace(/^\[thunk\]:|^@objc |^@(?=\w+@\d+$)/, "")
    .replace(/(?<=\w)\+0x[0-9a-f]+(?:\/0x[0-9a-f]+)?$|\s*\[inlined\]$/i, "")
    .replace(/(?<=\w)@@?[A-Z][\w.]*$|(?<=\w)@plt$|(?<=\w)@\d+$/, "")
    .replaceAll(/\s*\[clone [^\]]*\]/g, "")
    .replaceAll(/\s*\((?=\.(?:cold|part|isra|constprop|lto_priv|llvm)\b)[^)]*\)/g, "")
    .replace(
      /(?:\.(?:cold|hot|part|isra|constprop|lto_priv|llvm|localalias|warm|str|__uniq|resolver|ifunc)(?:\.\d+)*)+$/,
      "",
    )
    .replace(/(?:::h[0-9a-f]{16}|17h[0-9a-f]{16}E?)$/, "");
}

/** One spelling for what compilers and demanglers name differently. */
function unified(name: string): string {
  if (/^\w+$/.test(name) && !name.startsWith("lambda_")) return name;
  return (name.includes("$") ? unescaped(name) : name)
    .replaceAll(/\[(?:abi:\w+|[0-9a-f]{8,16})\]/g, "")
    .replaceAll(
      /\(anonymous namespace\)|`anonymous[- ]namespace'|\?A0x[0-9a-f]+|<unnamed-[^>]*>/gi,
      "{anon}",
    )
    .replaceAll(
      /\{lambda\((?:[^()]|\([^()]*\))*\)(?:#\d+)?\}|'lambda\d*'(?:\([^()]*\))?|<lambda_\w+>|\blambda_[0-9a-f]{32}\b|\$_\d+\b|\{\{closure\}\}|\{closure(?:_env)?#\d+\}|\{\{?lambda\}?\}/g,
      "{lambda}",
    )
    .replaceAll(/\{(?:impl#\d+|\{impl\})\}?/g, "{impl}")
    .replace(/^::/, "")
    .replaceAll(/\bstd::(?:__(?:\d+|cxx11|ndk1|debug|fs|u)|_V2)::/g, "std::");
}

/** Rust's legacy mangling, undone only half: `_$LT$alloc..vec..Vec$LT$T$GT$$GT$::push`. */
function unescaped(name: string): string {
  if (!/\$(?:LT|GT|RF|BP|C|u[0-9a-f]{2})\$/.test(name)) return name;
  return name
    .replace(/^_(?=\$)/, "")
    .replaceAll(
      /\$(LT|GT|RF|BP|C|LP|RP|u[0-9a-f]{2})\$/g,
      (whole, code: string) => escapes[code] ?? whole,
    )
    .replaceAll("..", "::");
}
const escapes: Readonly<Record<string, string>> = {
  LT: "<",
  GT: ">",
  RF: "&",
  BP: "*",
  C: ",",
  LP: "(",
  RP: ")",
  u20: " ",
  u27: "'",
  u5b: "[",
  u5d: "]",
  u7b: "{",
  u7d: "}",
  u7e: "~",
  u3b: ";",
};

/** `_ZN8__main__7computeB2v1E…` (numba), `_ZN4core9panicking5panic17h…E`: nested source names only. */
function demangled(name: string): string {
  if (!/^_?_ZN[rVKRO]*\d/.test(name)) return name;
  const parts: string[] = [];
  let at = name.indexOf("ZN") + 2;
  while (/[rVKRO]/.test(name[at] ?? "")) at++;
  for (let found = sourceName(name, at); found !== null; found = sourceName(name, at)) {
    if (!found.tag && !/^h[0-9a-f]{16}$/.test(found.text)) parts.push(found.text);
    at = found.end;
  }
  return parts.length > 0 ? parts.join("::") : name;
}

/** `<length><name>`, or an ABI tag `B<length><name>`, at `at`. */
function sourceName(text: string, at: number): { text: string; tag: boolean; end: number } | null {
  const tag = text[at] === "B";
  const digits = /^\d{1,4}/.exec(text.slice(at + (tag ? 1 : 0), at + 6))?.[0];
  if (digits === undefined) return null;
  const start = at + (tag ? 1 : 0) + digits.length;
  const end = start + Number(digits);
  return end > text.length ? null : { text: text.slice(start, end), tag, end };
}

const variant =
  /^_*((?:mem|str|stp|wcs|wmem|bcmp|bzero|rawmem)[a-z]*?)(?:_(?:chk|avx|sse|ssse|evex|erms|unaligned|aligned|generic|asimd|advsimd|mte|sve|mops|thunderx|falkor|kunpeng|oryon|a64fx|emag|neon|simd|back|nocache|zva|slow|fast|movbe|no|rtm)\w*)+$/;

/** glibc's aliases and the sanitizers' doubles of one function, its variants for one processor. */
function libraryName(name: string): string {
  if (!name.startsWith("_") && !name.includes("_")) return name;
  const base = name
    .replace(/^(?:___?interceptor_|__wrap_|__(?:asan|hwasan|msan|tsan)_(?=mem|str))/, "")
    .replace(/^__GI_/, "")
    .replace(
      /^__libc_(?=(?:malloc|free|calloc|realloc|memalign|fork|recv|recvfrom|recvmsg|send|sendto|sendmsg|read|write|open|open64|connect|accept|poll|select|pause|sigaction|siglongjmp|longjmp|system|nanosleep|waitpid)$)/,
      "",
    )
    .replace(
      /^__(?=(?:raise|abort|memcpy|memmove|memset|strlen|free|malloc|poll|select|read|write|recv|send|waitpid|nanosleep|clock_nanosleep)$)/,
      "",
    );
  return variant.exec(base)?.[1] ?? base;
}

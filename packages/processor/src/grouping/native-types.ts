/**
 * A C++ or Rust name without its types: arguments, template arguments, return type, qualifiers.
 * One pass over the characters; brackets that do not close end the name.
 */

/** Rust's `<A as B>::f` may nest; names are short, and a hostile one is not worth more. */
const MAX_NESTING = 4;

/** `static int ns::Mat<float>::at(int) const` → `ns::Mat<T>::at`, `<Vec<U> as Drop>::drop` → `Vec<T>::drop`. */
export function withoutTypes(name: string): string {
  return /[<>()\s`]/.test(name) ? scan(name, 0) : name;
}

function scan(name: string, nesting: number): string {
  let out = "";
  let at = 0;
  while (at < name.length) {
    const char = name[at]!;
    if (isOperator(name, at, out)) {
      const end = operatorEnd(name, at);
      return out + operatorName(name.slice(at, end)) + nameAfterArguments(name, end, nesting);
    }
    if (char === "<") {
      const end = closing(name, at);
      out += out === "" ? leadingType(name.slice(at + 1, end - 1), name[end], nesting) : "<T>";
      at = end;
    } else if (char === "(") {
      if (/\b(?:decltype|typeof)$/.test(out)) {
        at = closing(name, at);
        continue;
      }
      const after = nameAfterArguments(name, at, nesting);
      return out + after;
    } else if (char === "{") {
      const end = closing(name, at);
      out += name.slice(at, end);
      at = end;
    } else if (char === "`") {
      const end = name.indexOf("'", at);
      const quoted = name.slice(at + 1, end < 0 ? name.length : end);
      if (!quoted.startsWith("adjustor")) out += `{${quoted}}`;
      at = end < 0 ? name.length : end + 1;
    } else if (isSpace(char)) {
      at++;
      // A space parts the return type from the name, the name from its qualifiers or its arguments.
      if (name[at] === "(" || isSpace(name[at])) continue;
      if (onlyQualifiers.test(name.slice(at))) return out;
      out = "";
    } else {
      // The marks of a pointer that a return type ends in.
      if (out !== "" || !/[*&]/.test(char)) out += char;
      at++;
    }
  }
  return out.replace(/^::/, "");
}

const isSpace = (char: string | undefined): boolean => char === " " || char === "\t";
const onlyQualifiers = /^(?:(?:const|volatile|noexcept|__restrict)\b|[&\s])*$/;

/** What stands behind an argument list: a local class or lambda continues the name, all else ends it. */
function nameAfterArguments(name: string, at: number, nesting: number): string {
  let end = at;
  while (name[end] === "<" || name[end] === "(") end = closing(name, end);
  const rest = name.slice(end).replace(/^\s*(?:const|volatile|noexcept|&|\s)*(?=::)/, "");
  return rest.startsWith("::") && nesting < MAX_NESTING
    ? `::${scan(rest.slice(2), nesting + 1)}`
    : "";
}

/** A name that begins with a type: Rust's `<A as B>::f` and `<A>::f`; else a template of nothing. */
function leadingType(inner: string, after: string | undefined, nesting: number): string {
  if (after !== ":" || nesting >= MAX_NESTING) return "<T>";
  const as = topLevelAs(inner);
  const type = (as < 0 ? inner : inner.slice(0, as))
    .trim()
    .replace(/^[&*]+(?:'\w+ |mut |const )*/, "");
  return /^[\w{]/.test(type) ? scan(type, nesting + 1) : "<T>";
}

function topLevelAs(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if ("<([".includes(text[at]!)) depth++;
    else if (">)]".includes(text[at]!) && text[at - 1] !== "-") depth--;
    else if (depth === 0 && text.startsWith(" as ", at)) return at;
  }
  return -1;
}

const pairs: Readonly<Record<string, string>> = { "<": ">", "(": ")", "{": "}" };

/** Index behind the bracket that closes the one at `at`; the end of the text where none does. */
function closing(text: string, at: number): number {
  const open = text[at]!;
  const close = pairs[open]!;
  let depth = 0;
  for (let index = at; index < text.length; index++) {
    const char = text[index]!;
    if (char === open) depth++;
    else if (char === close && !(close === ">" && /[-=]/.test(text[index - 1]!)) && --depth === 0)
      return index + 1;
  }
  return text.length;
}

const isOperator = (name: string, at: number, out: string): boolean =>
  name.startsWith("operator", at) && !/[\w$]$/.test(out) && !/[\w$]/.test(name[at + 8] ?? "x");

/** Behind the operator's symbol or type: `operator()`, `operator<<`, `operator bool`, `operator new[]`. */
function operatorEnd(name: string, at: number): number {
  const symbol =
    /^operator\s*(?:\(\)|\[\]|<=>|->\*?|[-+*/%^&|~!=<>,]{1,3}(?=\s*[(<]|$)|""\s*\w+)/.exec(
      name.slice(at, at + 80),
    );
  if (symbol !== null) return at + symbol[0].length;
  const open = name.indexOf("(", at);
  return open < 0 ? name.length : open;
}

const operatorName = (text: string): string => {
  const type = /^operator\s+(.*)$/s.exec(text)?.[1];
  if (type === undefined) return text;
  return `operator ${type
    .replaceAll(/<.*>/g, "<T>")
    .replaceAll(/\s+(?=[*&])/g, "")
    .trim()}`;
};

/** What logs make of a program's lines. */

/** Every line behind a prefix; `prefix` is asked once a line, so that times can go on. */
export function behindPrefix(text: string, prefix: (line: number) => string): string {
  return linesOf(text)
    .map((line, index) => `${prefix(index)}${line}\n`)
    .join("");
}

/** Docker's json-file: an object a line, the line's newline inside its string. */
export function dockerJson(text: string): string {
  return linesOf(text)
    .map(
      (line) =>
        `${JSON.stringify({ log: `${line}\n`, stream: "stderr", time: "2025-03-01T10:00:00.1Z" })}\n`,
    )
    .join("");
}

/** A structured log: an object a line, the text without its newline. */
export function structuredLog(text: string, lines = 1): string {
  const all = linesOf(text);
  const groups = Array.from({ length: Math.ceil(all.length / lines) }, (_, index) =>
    all.slice(index * lines, (index + 1) * lines).join("\n"),
  );
  return groups.map((message) => `${JSON.stringify({ level: "error", message })}\n`).join("");
}

const linesOf = (text: string): string[] => text.replace(/\n$/, "").split("\n");

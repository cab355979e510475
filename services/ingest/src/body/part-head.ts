/**
 * Headers of a multipart part, and header values with parameters.
 *
 * RFC 7578, section 4.2 (Content-Disposition: form-data), RFC 2183, RFC 8187 (`filename*`), and the
 * percent-escapes of browsers (WHATWG HTML, "multipart/form-data encoding algorithm").
 */
import { Problem } from "../problem.ts";

export interface PartHead {
  readonly name: string;
  /** As sent, folders included; null for a plain field. */
  readonly filename: string | null;
  readonly contentType: string | null;
}

const PLAIN_ENCODINGS = new Set(["7bit", "8bit", "binary"]);

/** `bytes`: the header lines, each with its line end before it. */
export function readPartHead(bytes: Buffer): PartHead {
  const headers = new Map<string, string>();
  // a line that begins with a blank goes on with the one before (RFC 5322, section 2.2.3)
  const lines = bytes.toString("utf8").replaceAll(/\r\n[ \t]+/g, " ");
  for (const line of lines.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0)
      headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const encoding = headers.get("content-transfer-encoding")?.toLowerCase() ?? "binary";
  if (!PLAIN_ENCODINGS.has(encoding)) {
    throw new Problem("bad-body", `Content-Transfer-Encoding of a part: ${shown(encoding)}`, {
      todo: "Send parts as they are (RFC 7578, section 4.7).",
    });
  }
  const disposition = parseParameters(headers.get("content-disposition") ?? "");
  const name = disposition.parameters.get("name");
  if (name === undefined) {
    throw new Problem(
      "bad-body",
      `a part without a name: Content-Disposition is ${shown(headers.get("content-disposition") ?? "absent")}`,
    );
  }
  return {
    name: unescaped(name),
    filename: filenameOf(disposition.parameters),
    contentType: headers.get("content-type") ?? null,
  };
}

function filenameOf(parameters: ReadonlyMap<string, string>): string | null {
  const extended = /^utf-8'[^']*'(.*)$/i.exec(parameters.get("filename*") ?? "");
  if (extended !== null) {
    try {
      return decodeURIComponent(extended[1] ?? "");
    } catch {
      // not percent-encoded UTF-8 after all: the plain form counts
    }
  }
  const plain = parameters.get("filename");
  return plain === undefined ? null : unescaped(plain);
}

const escapes: Readonly<Record<string, string>> = { "%22": '"', "%0D": "\r", "%0A": "\n" };
const unescaped = (text: string): string =>
  text.replaceAll(/%22|%0D|%0A/gi, (code) => escapes[code.toUpperCase()] ?? code);

const shown = (text: string): string => JSON.stringify(text.slice(0, 80));

const PARAMETER = /\s*;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/gy;

/** `value; name=value; name="quoted value"`: the value and the parameters, names in lower case (RFC 9110, section 5.6.6). */
export function parseParameters(header: string): {
  value: string;
  parameters: ReadonlyMap<string, string>;
} {
  const end = header.indexOf(";");
  const value = (end < 0 ? header : header.slice(0, end)).trim().toLowerCase();
  const parameters = new Map<string, string>();
  if (end >= 0) {
    for (const [, name = "", quoted, token] of header.slice(end).matchAll(PARAMETER)) {
      // Backslashes: RFC 9110 escapes any character; browsers of old sent C:\folder\file unescaped.
      const text = quoted === undefined ? (token ?? "") : quoted.replaceAll(/\\(["\\])/g, "$1");
      if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), text);
    }
  }
  return { value, parameters };
}

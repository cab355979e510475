/** What logs, editors and shells make of a dump. */
import { behindPrefix, dockerJson, faulthandlerText, structuredLog } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { type Dump, parseFaulthandler } from "../src/index.ts";
import { bytesOf, codesOf, framesOf, parse, parseOne, signalDump, thread } from "./parsing.ts";

const text = faulthandlerText(
  signalDump({
    python: 14,
    threads: [thread(1n, { osName: "日本" }), thread(2n, { current: true, osName: "main" })],
    cStack: [{ file: "/usr/bin/python3.14", symbol: "f", offset: 1n, address: 2n }],
    extensionModules: ["numpy._core"],
  }),
);
const plain = parseOne(text);

/** Everything but where in the text the dump lies. */
const facts = (dump: Dump | undefined): unknown => ({ ...dump, span: null });

const digits = (index: number, width: number): string => String(index).padStart(width, "0");

test("the dump is read whole", () => {
  expect(plain).toMatchObject({ kind: "signal", gaps: [], extensionModules: { total: 1 } });
  expect(framesOf([plain])).toHaveLength(4);
});

describe("prefixes", () => {
  test.each<readonly [string, (line: number) => string]>([
    ["journalctl", (line) => `Mar 01 10:00:${digits(line, 2)} web1 app[4242]: `],
    ["CRI", (line) => `2025-03-01T10:00:00.${"123456789".slice(0, 9 - (line % 4))}Z stderr F `],
    ["pytest-xdist", () => "[gw0] "],
    ["a quotation", () => "> "],
    ["docker compose", () => "web-1  | "],
    ["GitHub Actions", (line) => `2025-03-01T10:00:00.${digits(line * 77, 7)}Z `],
    ["an indented block", () => "    "],
    [
      "dmesg",
      (line) =>
        `[${digits(line + 7, 5).replace(/^0+/, (zeros) => " ".repeat(zeros.length))}.123456] `,
    ],
  ])("%s", (_, prefix) => {
    expect(facts(parseOne(behindPrefix(text, prefix)))).toEqual(facts(plain));
  });

  test("whose spaces an editor took from blank lines", () => {
    const stripped = behindPrefix(text, () => "app[1]: ").replace(/ +$/gm, "");
    expect(facts(parseOne(stripped))).toEqual(facts(plain));
  });

  test("an indented block whose blank lines an editor emptied", () => {
    const stripped = behindPrefix(text, () => "    ").replace(/^ +$/gm, "");
    expect(facts(parseOne(stripped))).toEqual(facts(plain));
  });

  test("two writers taking turns", () => {
    const [left, right] = ["[gw0] ", "[gw1] "].map((prefix) =>
      behindPrefix(text, () => prefix).split("\n"),
    );
    const mixed = (left ?? []).flatMap((line, index) => [line, right?.[index]]).join("\n");
    expect(parse(mixed).dumps.map(facts)).toEqual([facts(plain), facts(plain)]);
  });

  test("a plain dump, then one behind a prefix", () => {
    const { dumps } = parse(text + behindPrefix(text, () => "> "));
    expect(dumps.map(facts)).toEqual([facts(plain), facts(plain)]);
  });

  test("text before the header on its own line is none", () => {
    expect(facts(parseOne(`no newline before: ${text}`))).toEqual(facts(plain));
    expect(facts(parseOne(behindPrefix(`loading... ${text}`, () => "app[1]: ")))).toEqual(
      facts(plain),
    );
  });

  test("lines of others between", () => {
    const lines = behindPrefix(text, () => "app[1]: ").replaceAll(/^/gm, "kernel: x\napp[2]: y\n");
    expect(facts(parseOne(lines))).toEqual(facts(plain));
  });
});

describe("JSON", () => {
  const [docker = ""] = dockerJson("\n").split("\n");
  test.each([
    docker.replace("{", '{ "attrs" : {"a": [1, "}", {"b": null}], "c": "\\\\\\""} ,\t'),
    docker.replace('"log":', '"n":-1.5e3,"ok":true,"log" : '),
  ])("%s", (shape) => {
    const lines = text.split("\n").slice(0, -1);
    const log = lines.map((line) => shape.replace('"\\n"', () => JSON.stringify(`${line}\n`)));
    expect(facts(parseOne(log.join("\n")))).toEqual(facts(plain));
  });

  test.each([
    '{"log":"Stack (most recent call first):\\n"',
    '{"log":"Stack (most recent call first):\\x"}',
    '{"log" "Stack (most recent call first):"}',
    '{"log":"Stack (most recent call first):" 1}',
    '{"log":"Stack (most recent call first):\\n\t"}',
    "{ Stack (most recent call first): }",
    '{"log',
    "{}",
  ])("%s is none", (line) => {
    expect(parse(`${line}\n`).dumps).toEqual([]);
  });

  test.each<readonly [string, string]>([
    ["Docker", dockerJson(text)],
    ["Docker with other lines", `not json\n${dockerJson(text)}{"log":"x\\n"}\n`],
    ["a line each", structuredLog(text)],
    ["three lines each", structuredLog(text, 3)],
    ["all in one", structuredLog(text, 1000)],
    ["Docker, with a prefix inside", dockerJson(behindPrefix(text, () => "[gw0] "))],
  ])("%s", (_, log) => {
    expect(facts(parseOne(log))).toEqual(facts(plain));
  });

  test("Docker divides long lines", () => {
    const parts = text.match(/.{1,60}\n?|\n/g) ?? [];
    const log = parts.map((part) => `${JSON.stringify({ log: part })}\n`).join("");
    expect(facts(parseOne(log))).toEqual(facts(plain));
  });

  test("Docker's last line may be cut", () => {
    const cut = dockerJson(text.slice(0, text.indexOf("  File") + 13)).replace(
      /\\n"/g,
      (end, at: number, all: string) => (all.indexOf('\\n"', at + 1) < 0 ? '"' : end),
    );
    const dump = parseOne(cut);
    expect(dump.threads[0]?.frames).toEqual([]);
    expect(codesOf(dump)).toEqual(["incomplete"]);
  });
});

describe("bytes", () => {
  const utf16 = Buffer.from(`\ufeff${text}`, "utf16le");
  test.each<readonly [string, Uint8Array]>([
    ["CRLF", bytesOf(text.replaceAll("\n", "\r\n"))],
    ["a byte order mark", bytesOf(`\ufeff${text}`)],
    ["UTF-16, little-endian", utf16],
    ["UTF-16, big-endian", Buffer.from(utf16).swap16()],
    ["UTF-16 without a mark", utf16.subarray(2)],
    ["UTF-16 with half a character at its end", Buffer.concat([utf16, Buffer.from([0x41])])],
    ["NULs before", Buffer.concat([Buffer.alloc(4096), bytesOf(text)])],
    ["colours around", bytesOf(`\u001b[31m${text}\u001b[0m\n`)],
    ["colours on every line", bytesOf(text.replaceAll(/^.*$/gm, "\u001b[1;31m$&\u001b[0m"))],
  ])("%s", (_, bytes) => {
    const { dumps } = parseFaulthandler(bytes);
    expect(dumps.map(facts)).toEqual([facts(plain)]);
  });

  test("spans are offsets into what was given", () => {
    const before = "größer 🐍\n";
    const { dumps } = parseFaulthandler(Buffer.from(`\ufeff${before}${text}x`, "utf16le"));
    const start = 2 + 2 * before.length;
    expect(dumps[0]?.span).toEqual([start, start + 2 * text.length]);
    expect(parseFaulthandler(bytesOf(`\ufeff${text}`)).dumps[0]?.span[0]).toBe(3);
  });
});

/** Every form of the grammar, each from the smallest text that shows it. */
import { faulthandlerText, type SynthDump } from "@faultline/testkit";
import { describe, expect, test } from "vitest";
import { parseFaulthandler } from "../src/index.ts";
import { codesOf, frame, parse, parseOne, placeOf, signalDump, thread } from "./parsing.ts";

const parseDump = (dump: SynthDump): ReturnType<typeof parseOne> =>
  parseOne(faulthandlerText(dump));

describe("headers", () => {
  test.each([
    "Segmentation fault",
    "Aborted",
    "Bus error",
    "Illegal instruction",
    "Floating point exception",
    "Floating-point exception",
  ])("signal: %s", (words) => {
    const dump = parseDump(signalDump({ header: { kind: "signal", words } }));
    expect(dump).toMatchObject({ kind: "signal", message: words, func: null, runtimeState: null });
    expect(dump.threads.map(({ current }) => current)).toEqual([false, true]);
  });

  test("a signal that faulthandler does not know by name", () => {
    const dump = parseDump(signalDump({ header: { kind: "signum", number: 29 } }));
    expect(dump).toMatchObject({ kind: "signal", message: "29" });
  });

  test.each(["access violation", "stack overflow", "code 0xc0000374", "code c06d007f"])(
    "Windows: %s",
    (words) => {
      const header = { kind: "windowsException", words } as const;
      const dump = parseDump(signalDump({ header, identDigits: 8 }));
      expect(dump).toMatchObject({ kind: "windowsException", message: words });
      expect(dump.threads[0]?.ident).toBe("0x00007f01");
    },
  );

  test.each([
    [250_000, "0:00:00.250000", 0.25],
    [5_000_000, "0:00:05", 5],
    [3_600_000_000 * 26 + 61_000_001, "26:01:01.000001", 93_661.000001],
  ])("watchdog after %i µs", (microseconds, printed, seconds) => {
    const dump = parseDump({
      python: 9,
      header: { kind: "timeout", microseconds },
      threads: [thread(1n)],
    });
    expect(dump).toMatchObject({ kind: "timeout", timeout: printed, timeoutSeconds: seconds });
    expect(dump.threads[0]?.current).toBe(false);
  });

  test.each([
    [{ message: "xyz happened" }, null, "xyz happened"],
    [{ func: "my_func", message: "a: b" }, "my_func", "a: b"],
    [{ message: "deallocating None: bug likely" }, null, "deallocating None: bug likely"],
    [{ message: "<message not set>" }, null, "<message not set>"],
    [{ func: "f", message: "Größe" }, "f", "Größe"],
  ])("fatal error: %j", (header, func, message) => {
    const dump = parseDump(
      signalDump({ header: { kind: "fatal", runtimeState: "initialized", ...header } }),
    );
    expect(dump).toMatchObject({ kind: "fatal", func, message, runtimeState: "initialized" });
  });

  test("a fatal error that uses the words of a signal has a runtime state", () => {
    const header = {
      kind: "fatal",
      message: "Aborted",
      runtimeState: "finalizing (tstate=0x1)",
    } as const;
    expect(parseDump(signalDump({ header }))).toMatchObject({
      kind: "fatal",
      message: "Aborted",
      runtimeState: "finalizing (tstate=0x1)",
    });
  });

  test("a header that stands alone", () => {
    expect(parseOne("Fatal Python error: Segmentation fault\n\n")).toMatchObject({
      kind: "signal",
      threads: [],
      gaps: [],
    });
  });
});

describe("exceptions before the threads of a fatal error", () => {
  test("one line", () => {
    const exception = ["ValueError: left behind by C"];
    const dump = parseDump(signalDump({ header: { kind: "fatal", message: "m", exception } }));
    expect(dump.exceptionText).toBe("ValueError: left behind by C");
    expect(dump.threads).toHaveLength(2);
  });

  test("a traceback instead of threads, with the exceptions before it", () => {
    const traceback = (name: string): string =>
      `Traceback (most recent call last):\n  File "/srv/a.py", line 9, in ${name}\n    f()\nValueError: ${name}`;
    const chain = "During handling of the above exception, another exception occurred:";
    const exceptionText = `${traceback("one")}\n\n${chain}\n\n${traceback("two")}`;
    const dump = parseOne(
      `Fatal Python error: f: m\nPython runtime state: initialized\n${exceptionText}\n\nExtension modules: x.y (total: 1)\n`,
    );
    expect(dump).toMatchObject({ exceptionText, threads: [], gaps: [] });
    expect(dump.extensionModules).toEqual({ names: ["x.y"], total: 1 });
  });

  test("log lines after a header are no exception", () => {
    const text = "Fatal Python error: f: m\nINFO: next\n2025-03-01 x\n";
    expect(parseOne(text).exceptionText).toBeNull();
  });
});

describe("threads", () => {
  test.each([
    "worker [1]",
    "(most recent call first):",
    "] (most recent call first):",
    "日本語",
    "a\\x41",
  ])("the system's name %j", (osName) => {
    const dump = parseDump(signalDump({ python: 14, threads: [thread(1n, { osName })] }));
    expect(dump.threads[0]?.osName).toBe(osName);
  });

  test("a name cut in the middle of a character keeps its bytes", () => {
    const [head, tail] = ["Thread 0x0000000000000001 [", "] (most recent call first):\n"];
    const bytes = Buffer.concat([
      Buffer.from(`${head}日`),
      Buffer.from([0xe6, 0x97]),
      Buffer.from(tail),
    ]);
    expect(parseFaulthandler(bytes).dumps[0]?.threads[0]?.osName).toBe("日\udce6\udc97");
  });

  test("Windows escapes names", () => {
    const text = faulthandlerText(
      signalDump({
        python: 14,
        identDigits: 8,
        threads: [thread(0x1a2cn, { osName: "Main\\xe9\\U0001f40d" })],
      }),
    );
    expect(parseOne(text).threads[0]).toMatchObject({
      ident: "0x00001a2c",
      osName: "Mainé🐍",
      osNameRaw: "Main\\xe9\\U0001f40d",
    });
  });

  test("3.3 prints no (most recent call first)", () => {
    const dump = parseDump(signalDump({ python: 3 }));
    expect(dump.threads.map(({ ident }) => ident)).toEqual([
      "0x0000000000007f01",
      "0x0000000000007f02",
    ]);
    expect(dump.pythonVersionHint).toBe("3.3");
  });

  test.each([3, 4, 14])("the form that names no thread, 3.%i", (python) => {
    const dump = parseDump({ python, threads: [{ ident: null, frames: thread(1n).frames }] });
    expect(dump).toMatchObject({ kind: "dump" });
    expect(dump.threads[0]).toMatchObject({
      anonymous: true,
      current: true,
      ident: null,
      osName: null,
    });
    expect(dump.threads[0]?.frames.map(placeOf)).toEqual(thread(1n).frames);
  });

  test("a thread inside the garbage collector", () => {
    const dump = parseDump(
      signalDump({ threads: [thread(1n, { current: true, garbageCollecting: true })] }),
    );
    expect(dump.threads[0]?.garbageCollecting).toBe(true);
  });

  test("100 threads are all, of 101 the last is missing", () => {
    const threads = Array.from({ length: 101 }, (_, index) => thread(BigInt(index + 1)));
    expect(parseDump(signalDump({ threads: threads.slice(0, 100) }))).toMatchObject({
      threadsTruncated: false,
    });
    const cut = parseDump(signalDump({ threads }));
    expect(cut.threads).toHaveLength(100);
    expect(cut.threadsTruncated).toBe(true);
  });

  test("a freed thread state ends the list", () => {
    const dump = parseOne(`${faulthandlerText(signalDump())}\n<freed thread state>\n`);
    expect(dump.threadsTruncated).toBe(true);
    expect(codesOf(dump)).toEqual(["freed-thread-state"]);
  });

  test("one thread only while the GIL is disabled", () => {
    const threads = [{ ident: null, frames: thread(1n).frames }];
    const title = "<Cannot show all threads while the GIL is disabled>\nStack";
    const dump = parseOne(faulthandlerText(signalDump({ threads })).replace("Stack", title));
    expect(dump.threads).toHaveLength(1);
    expect(codesOf(dump)).toEqual(["gil-disabled"]);
  });
});

describe("frames", () => {
  const recursion = (length: number): SynthDump["threads"] => [
    thread(1n, { frames: Array.from({ length }, () => frame("/srv/a.py", 5, "f")) }),
  ];

  test.each([
    [12, 99, 99, null],
    [12, 100, 100, "possible"],
    [12, 101, 100, "marked"],
    [13, 101, 100, "possible"],
    [13, 99, 99, null],
  ])("3.%i with %i frames shows %i: %s", (python, length, shown, truncated) => {
    const path = frame(`/usr/lib/python3.${python}/threading.py`, 9, "run");
    const dump = parseDump(
      signalDump({ python, threads: [...recursion(length), thread(2n, { frames: [path] })] }),
    );
    expect(dump.threads[0]?.frames).toHaveLength(shown);
    expect(dump.threads[0]?.framesTruncated).toBe(truncated);
  });

  test.each([
    [50, "f", "possible"],
    [49, "f", null],
    [50, "<module>", null],
  ])("3.14 counts invisible frames: %i lines ending in %s", (length, name, truncated) => {
    const frames = [...(recursion(length - 1)[0]?.frames ?? []), frame("/srv/a.py", 7, name)];
    const dump = parseDump(
      signalDump({ python: 14, threads: [thread(1n, { osName: "x", frames })] }),
    );
    expect(dump.threads[0]?.framesTruncated).toBe(truncated);
  });

  test.each([
    [9, "no Python frame"],
    [10, "no Python frame"],
    [13, "tstate is freed"],
    [14, "freed thread state"],
    [14, "freed frame"],
    [14, "invalid frame"],
  ])("3.%i stops with <%s>", (python, stop) => {
    const dump = parseDump(
      signalDump({ python, threads: [thread(1n, { frames: [], stop }), thread(2n)] }),
    );
    expect(dump.threads.map((found) => found.stop)).toEqual([stop, null]);
    expect(dump.threads[1]?.frames).toHaveLength(2);
  });

  test("unknown fields", () => {
    const frames = [
      { file: null, line: null, name: null },
      { file: "/a.py", line: null, name: "f" },
    ];
    expect(parseDump(signalDump({ threads: [thread(1n, { frames })] })).threads[0]?.frames).toEqual(
      frames,
    );
  });

  test("a number that is no C int is an unknown line of 3.3-3.5", () => {
    const text = 'Stack (most recent call first):\n  File "a.py", line 18446744073709551615 in f\n';
    expect(parseOne(text).threads[0]?.frames).toEqual([{ file: "a.py", line: null, name: "f" }]);
  });

  test("the hidden frame of a warm class call", () => {
    const frames = [
      frame("/a.py", 3, "__init__"),
      { file: "__init__", line: null, name: "__init__" },
    ];
    const found = parseDump(
      signalDump({ python: 14, threads: [thread(1n, { frames, stop: "invalid frame" })] }),
    );
    expect(found.threads[0]?.frames.map(({ helper }) => helper)).toEqual([undefined, true]);
  });

  test("an empty file and name", () => {
    const frames = [frame("", 4, "")];
    expect(parseDump(signalDump({ threads: [thread(1n, { frames })] })).threads[0]?.frames).toEqual(
      frames,
    );
  });
});

describe("the C stack", () => {
  test("every form of a line", () => {
    const cStack = [
      { file: "/usr/bin/python3.14", symbol: "_Py_DumpStack", offset: 0x4an, address: 0x49b2f9n },
      { file: "/usr/bin/python3.14", address: 0x53d28en },
      { file: '/opt/odd", at +0x1 [0x2]/café.so', offset: 0x406b0n, address: 0x7f46521946b0n },
      { file: "/lib/libc++.so", symbol: "operator+", offset: -4n, address: 0x7f00n },
      { file: null, address: 0x10n },
    ];
    expect(parseDump(signalDump({ python: 14, cStack })).cStack).toEqual({
      frames: [
        {
          file: "/usr/bin/python3.14",
          symbol: "_Py_DumpStack",
          offset: "0x4a",
          address: "0x49b2f9",
        },
        { file: "/usr/bin/python3.14", symbol: null, offset: null, address: "0x53d28e" },
        {
          file: '/opt/odd", at +0x1 [0x2]/café.so',
          symbol: null,
          offset: "0x406b0",
          address: "0x7f46521946b0",
        },
        { file: "/lib/libc++.so", symbol: "operator+", offset: "-0x4", address: "0x7f00" },
        { file: null, symbol: null, offset: null, address: "0x10" },
      ],
      truncated: false,
      unavailable: null,
    });
  });

  test("32 frames are marked as cut", () => {
    const cStack = Array.from({ length: 40 }, (_, index) => ({
      file: "/x.so",
      address: BigInt(index + 1),
    }));
    const found = parseDump(signalDump({ python: 14, cStack })).cStack;
    expect(found?.frames).toHaveLength(32);
    expect(found?.truncated).toBe(true);
  });

  test.each(["system returned no stack trace", "cannot get C stack on this system"])(
    "<%s>",
    (words) => {
      const text = `${faulthandlerText(signalDump({ python: 14, cStack: [] }))}  <${words}>\n`;
      expect(parseOne(text).cStack).toEqual({ frames: [], truncated: false, unavailable: words });
    },
  );

  test("dump_c_stack() prints nothing else", () => {
    const cStack = [{ file: "/x.so", address: 1n }];
    const text = faulthandlerText({ python: 14, threads: [], cStack }).trimStart();
    expect(parseOne(text)).toMatchObject({ kind: "cstack", threads: [] });
    const { dumps } = parse(faulthandlerText({ python: 14, threads: [thread(1n)] }) + text);
    expect(dumps.map(({ kind }) => kind)).toEqual(["dump", "cstack"]);
  });
});

describe("extension modules", () => {
  test("names in the order printed", () => {
    const dump = parseDump(signalDump({ extensionModules: ["numpy._core", "a.b", "Größe"] }));
    expect(dump.extensionModules).toEqual({ names: ["numpy._core", "a.b", "Größe"], total: 3 });
    expect(dump.gaps).toEqual([]);
  });

  test("a name that cannot be told apart", () => {
    const dump = parseDump(signalDump({ extensionModules: ["a, b", "c"] }));
    expect(dump.extensionModules).toEqual({ names: ["a", "b", "c"], total: 2 });
    expect(codesOf(dump)).toEqual(["module-names"]);
  });
});

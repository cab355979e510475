/**
 * `npm run bench [NAME…]`: the benchmarks named, else all of them. Each prints rates, and ratios where there is
 * something to hold them against. None is part of the tests.
 */
const benchmarks: Readonly<Record<string, () => Promise<() => Promise<void>>>> = {
  faulthandler: async () => (await import("./faulthandler.ts")).benchFaulthandler,
  pyc: async () => (await import("./pyc.ts")).benchPyc,
  frames: async () => (await import("./frames.ts")).benchFrames,
  grouping: async () => (await import("./grouping.ts")).benchGrouping,
  symbols: async () => (await import("./symbolize.ts")).benchSymbols,
  "symbol-accuracy": async () => (await import("./symbol-accuracy.ts")).benchSymbolAccuracy,
  unwind: async () => (await import("./unwind.ts")).benchUnwind,
  stackwalk: async () => (await import("./stackwalk.ts")).benchStackwalk,
  stitch: async () => (await import("./stitch.ts")).benchStitch,
  "unwind-tables": async () => (await import("./unwind-tables.ts")).benchUnwindTables,
  idle: async () => (await import("./idle.ts")).benchIdle,
  http: async () => (await import("./http.ts")).benchHttp,
  joining: async () => (await import("./joining.ts")).benchJoining,
  repair: async () => (await import("./repair.ts")).benchRepair,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(benchmarks, name));
if (unknown.length > 0) {
  process.stderr.write(
    `bench: there is no ${unknown.join(", ")}; there are: ${Object.keys(benchmarks).join(", ")}\n`,
  );
  process.exitCode = 2;
} else {
  for (const [name, load] of Object.entries(benchmarks)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    process.stdout.write(`\n${name}\n`);
    const run = await load();
    await run();
  }
}

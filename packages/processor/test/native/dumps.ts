/** Dumps of a small process, and the engine run over them. */
import type { CrashMetadata, ModuleSymbols, Report, SymbolCaches } from "@faultline/shared";
import { stackAt, synthMinidump } from "@faultline/testkit";
import { buildReports } from "../../src/index.ts";
import { noMetadata, utf8 } from "../builders.ts";

export const APP = 0x40_0000n;
export const STACK = 0x7ffc_0000_1000n;

/** SIGSEGV at address 0 in a program whose frames are chained by frame pointers. */
export const segfault = () =>
  synthMinidump({ timestamp: 1_700_000_100 })
    .systemInfo({ cpu: "amd64", os: "linux" })
    .miscInfo({ version: 1, processId: 4711, createTime: 1_700_000_000 })
    .module({ base: APP, size: 0x10_0000, name: "/srv/app", buildId: "c0ffee00" })
    .linux(
      "maps",
      "400000-500000 r-xp 00000000 08:01 7 /srv/app\n7ffc00000000-7ffc00020000 rw-p 00000000 00:00 0 [stack]\n",
    )
    .thread({
      id: 4711,
      teb: 0x7f00_0000_0740n,
      name: "worker",
      registers: { rip: APP + 0x1000n, rsp: STACK, rbp: STACK + 0x10n },
      stack: stackAt(STACK).u64(1n, 2n, STACK + 0x30n, APP + 0x2000n, 3n, 4n, 0n, 0n),
    })
    .thread({
      id: 4712,
      registers: { rip: APP + 0x3000n, rsp: STACK + 0x8000n },
      stack: stackAt(STACK + 0x8000n).u64(0n),
    })
    .exception({
      threadId: 4711,
      code: 11,
      flags: 1,
      address: 0n,
      registers: { rip: APP + 0x1000n, rsp: STACK, rbp: STACK + 0x10n },
    });

export interface Given {
  readonly text?: string | null;
  readonly metadata?: Partial<CrashMetadata>;
  /** By module key; what is not here is missing. */
  readonly symbols?: SymbolCaches;
}

/** The engine's reports, and the module keys of every request it made. */
export function run(minidump: Uint8Array, given: Given = {}) {
  const { text = null, metadata = {}, symbols = new Map<string, ModuleSymbols>() } = given;
  const engine = buildReports({
    metadata: { ...noMetadata, ...metadata },
    faulthandler: text === null ? null : utf8(text),
    minidump,
  });
  const asked: (readonly string[])[] = [];
  let step = engine.next();
  while (step.done !== true) {
    const { value } = step;
    if (value.need === "symbol-caches") {
      asked.push(value.modules.map(({ key }) => key));
      step = engine.next(symbols);
    } else step = engine.next(new Map());
  }
  return { reports: step.value.map(({ report }) => report), asked };
}

export const only = (minidump: Uint8Array, given: Given = {}): Report =>
  run(minidump, given).reports[0]!;

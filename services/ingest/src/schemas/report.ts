/** The report, version 1, as @faultline/shared types it: here for readers of the API's description. */
import { classifications, foundBy, reportKinds, type Report } from "@faultline/shared";
import { Type } from "./build.ts";

const text = Type.Nullable(Type.String());
const whole = Type.Nullable(Type.Integer());
const hex = Type.Nullable(Type.String({ description: "Hexadecimal, 0x…" }));

const Gap = Type.Object({
  code: Type.String(),
  detail: Type.String({ description: "What is missing, its exact id, and what would mend it." }),
});

const PythonFrame = Type.Object({
  language: Type.Const("python"),
  module: text,
  function: text,
  qualname: text,
  file: text,
  line: whole,
  endLine: whole,
  column: Type.Nullable(Type.Integer({ description: "0-based UTF-8 byte column." })),
  endColumn: Type.Nullable(Type.Integer({ description: "Exclusive." })),
  definitionLine: whole,
  arguments: Type.Nullable(Type.Array(Type.String())),
  inApp: Type.Nullable(Type.Boolean()),
  foundBy: Type.Enum(foundBy),
  role: text,
  source: Type.Nullable(
    Type.Object({
      before: Type.Array(Type.String()),
      line: Type.String(),
      after: Type.Array(Type.String()),
    }),
  ),
});

const NativeFrame = Type.Object({
  language: Type.Const("native"),
  pc: hex,
  module: text,
  offset: hex,
  function: text,
  linkageName: text,
  file: text,
  line: whole,
  column: whole,
  inline: Type.Boolean(),
  foundBy: Type.Enum(foundBy),
  role: text,
});

const Thread = Type.Object({
  id: text,
  ident: hex,
  name: text,
  crashed: Type.Boolean(),
  stitch: Type.Enum(["exact", "approximate", "none"]),
  garbageCollecting: Type.Boolean(),
  stack: Type.Array(Type.Union([PythonFrame, NativeFrame]), { description: "Innermost first." }),
  truncated: Type.Boolean(),
  gaps: Type.Array(Gap),
});

const Module = Type.Object({
  name: Type.String(),
  codeFile: text,
  buildId: text,
  debugId: text,
  base: hex,
  size: whole,
  symbols: Type.Enum(["found", "missing", "mismatched", "corrupt", "unused"]),
});

const FrameGrouping = Type.Object({
  index: Type.Integer({ description: "Into the crashing thread's stack." }),
  role: Type.String(),
  token: text,
  usedIn: Type.Array(Type.Enum(["coarse", "mid", "fine", "link"])),
  reason: Type.String(),
});

export const GroupingSchema = Type.Object({
  ruleset: Type.String(),
  mode: Type.Enum(["native", "python", "runtime", "skipped", "empty", "overflow", "victim"]),
  confidence: Type.Enum(["high", "low"]),
  coarse: Type.String(),
  mid: Type.String(),
  fine: Type.String(),
  link: text,
  group: Type.String(),
  title: Type.String(),
  culprit: text,
  frames: Type.Array(FrameGrouping),
});

export const ReportSchema = Type.Of<Report>(
  Type.Object(
    {
      version: Type.Const(1),
      kind: Type.Enum(reportKinds),
      reason: text,
      code: text,
      address: hex,
      message: text,
      fatalFunction: text,
      runtimeState: text,
      timeoutSeconds: Type.Nullable(Type.Number()),
      classification: Type.Nullable(Type.Enum(classifications)),
      os: text,
      cpu: text,
      osVersion: text,
      process: Type.Nullable(
        Type.Object({ id: whole, uptimeSeconds: Type.Nullable(Type.Number()) }),
      ),
      python: Type.Nullable(Type.Object({ version: text, evidence: text })),
      registers: Type.Nullable(
        Type.Record(
          Type.String({ description: "Of the thread that died, where it died; hexadecimal." }),
        ),
      ),
      annotations: Type.Record(
        Type.String({ description: "What the program and its crash handler noted in the dump." }),
      ),
      crashingThread: Type.Nullable(Type.Integer({ description: "Index into threads." })),
      threads: Type.Array(Thread),
      modules: Type.Array(Module),
      extensionModules: Type.Array(Type.String()),
      gaps: Type.Array(Gap),
      grouping: Type.Nullable(GroupingSchema),
    },
    {
      description:
        "Everything worked out about one crash. Any field may be null, none may be missing.",
    },
  ),
);

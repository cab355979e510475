/** Uploads of symbols, and what is asked about them. */
import { MAX_CHECK_ITEMS } from "@faultline/shared";
import { Type } from "./build.ts";
import { MAX_LISTED_FILES, MAX_SYMBOL_PATH_CHARS } from "../limits.ts";
import { Name, text } from "./common.ts";
import { AskedState, BuildId, DebugId, NativeModuleSchema } from "./native-symbols.ts";

export const UploadSchema = Type.Object({
  release: Type.Nullable(Type.String({ description: "Of the Python files." })),
  accepted: Type.Integer(),
  duplicate: Type.Integer({ description: "Was there with the same content." }),
  refused: Type.Integer(),
  skipped: Type.Integer({
    description: "Archive members that are neither symbols nor archives.",
  }),
  files: Type.Array(
    Type.Object({
      name: Type.String({ description: "The way to it, archives joined by !/" }),
      path: Type.Nullable(
        Type.String({ description: "Of a Python file, as a source path: app/jobs.py" }),
      ),
      status: Type.Enum(["accepted", "duplicate", "refused"]),
      as: Type.Nullable(
        Type.String({
          description:
            "“pyc 3.12”, “source”, “elf x86_64, debug info”, “elf x86_64, symbols only”, “breakpad sym linux x86_64”, “dwz supplementary”, “dwp”, …",
        }),
      ),
      reason: Type.Nullable(
        Type.String({
          description: "Why it was refused; of a native file a stable code and what it found.",
        }),
      ),
      sha256: Type.Nullable(Type.String()),
      buildId: Type.Nullable(Type.String({ description: "Of a native file that has one." })),
      debugId: Type.Nullable(
        Type.String({ description: "Of a native file that is a module's own." }),
      ),
    }),
    {
      description: `At most ${MAX_LISTED_FILES} refused ones, then at most ${MAX_LISTED_FILES} others.`,
    },
  ),
  omitted: Type.Integer({ description: "Files counted above but not listed." }),
});

const Sha256 = Type.String({ pattern: "^[0-9a-fA-F]{64}$" });
const strict = { additionalProperties: false };

export const CheckBody = Type.Object({
  release: Type.Optional(Name),
  files: Type.Array(
    Type.Union([
      Type.Object({ path: text({ maxLength: MAX_SYMBOL_PATH_CHARS }) }, strict),
      Type.Object({ sha256: Sha256 }, strict),
      Type.Object({ buildId: BuildId }, strict),
      Type.Object({ debugId: DebugId }, strict),
    ]),
    { maxItems: MAX_CHECK_ITEMS },
  ),
});

export const CheckSchema = Type.Object({
  missing: Type.Integer(),
  files: Type.Array(
    Type.Object({
      path: Type.Nullable(Type.String()),
      sha256: Type.Nullable(Type.String()),
      buildId: Type.Nullable(Type.String()),
      debugId: Type.Nullable(Type.String()),
      kind: Type.Nullable(
        Type.String({
          description:
            "Of what was found: “pyc”, “source”; “object”, “debug”, “supplementary”, “dwo”, “dwp”, “breakpad” for a native file; “module” for what build ids and debug ids name.",
        }),
      ),
      state: AskedState,
      error: Type.Nullable(Type.String()),
      module: Type.Nullable(NativeModuleSchema),
    }),
    {
      description:
        "In the order asked; a path gives one for its source and one for each Python version it was compiled for. `module` tells whether a native module is complete and which companions it misses.",
    },
  ),
});

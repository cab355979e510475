/** Uploads of symbols, and what is asked about them. */
import { MAX_CHECK_ITEMS } from "@faultline/shared";
import { Type } from "./build.ts";
import { MAX_LISTED_FILES, MAX_SYMBOL_PATH_CHARS } from "../limits.ts";
import { Name, text } from "./common.ts";

export const UploadSchema = Type.Object({
  release: Type.String(),
  accepted: Type.Integer(),
  duplicate: Type.Integer({ description: "Was there with the same content." }),
  refused: Type.Integer(),
  skipped: Type.Integer({
    description: "Archive members that are neither Python files nor archives.",
  }),
  files: Type.Array(
    Type.Object({
      name: Type.String({ description: "The way to it, archives joined by !/" }),
      path: Type.Nullable(Type.String({ description: "As a source path: app/jobs.py" })),
      status: Type.Enum(["accepted", "duplicate", "refused"]),
      as: Type.Nullable(Type.String({ description: "“pyc 3.12” or “source”." })),
      reason: Type.Nullable(Type.String({ description: "Why it was refused." })),
      sha256: Type.Nullable(Type.String()),
    }),
    {
      description: `At most ${MAX_LISTED_FILES} refused ones, then at most ${MAX_LISTED_FILES} others.`,
    },
  ),
  omitted: Type.Integer({ description: "Files counted above but not listed." }),
});

export const CheckBody = Type.Object({
  release: Name,
  files: Type.Array(
    Type.Union([
      Type.Object(
        { path: text({ maxLength: MAX_SYMBOL_PATH_CHARS }) },
        { additionalProperties: false },
      ),
      Type.Object(
        { sha256: Type.String({ pattern: "^[0-9a-fA-F]{64}$" }) },
        { additionalProperties: false },
      ),
    ]),
    { maxItems: MAX_CHECK_ITEMS },
  ),
});

const State = Type.Enum(["missing", "stored", "ready", "refused"], {
  description:
    "stored: waits for its cache; refused: no cache can be made of it, `error` says why.",
});

export const CheckSchema = Type.Object({
  missing: Type.Integer(),
  files: Type.Array(
    Type.Object({
      path: Type.Nullable(Type.String()),
      sha256: Type.Nullable(Type.String()),
      kind: Type.Nullable(
        Type.String({ description: "“pyc” or “source”, where a path was asked for." }),
      ),
      state: State,
      error: Type.Nullable(Type.String()),
    }),
    { description: "In the order asked; a path that has both a pyc and a source gives two." },
  ),
});

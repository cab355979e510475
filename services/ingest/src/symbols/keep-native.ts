/** One native file of an upload: identified, stored once by its content, and what is answered about it. */
import { DebugInfoError, type NativeIdentity } from "@faultline/debuginfo/identify";
import { MAX_NAME_CHARS, storeNativeFile, type Pool } from "@faultline/shared";
import type { FileAnswer } from "./file-answer.ts";
import type { NativeDraft } from "./native-draft.ts";

export interface KeptNative {
  readonly answer: FileAnswer;
  /** Hash of a file that a worker has to look at; null when there is none to. */
  readonly waits: string | null;
}

/** The draft is stored or discarded. `name`: the way to the file, archives joined by "!/". */
export async function keepNative(db: Pool, name: string, draft: NativeDraft): Promise<KeptNative> {
  const identity = identityOf(draft);
  if (identity instanceof DebugInfoError) {
    await draft.discard();
    return { answer: refused(name, `${identity.code}: ${identity.message}`), waits: null };
  }
  const { sha256, size } = await draft.store();
  const { isNew, waits } = await storeNativeFile(db, {
    ...identity,
    sha256,
    size,
    name: basename(name),
    crc32: draft.crc32,
  });
  const answer: FileAnswer = {
    name,
    path: null,
    status: isNew ? "accepted" : "duplicate",
    as: describe(identity),
    reason: null,
    sha256,
    buildId: identity.buildId,
    debugId: identity.debugId,
  };
  return { answer, waits: waits ? sha256 : null };
}

function identityOf(draft: NativeDraft): NativeIdentity | DebugInfoError {
  try {
    return draft.identify();
  } catch (error) {
    if (error instanceof DebugInfoError) return error;
    throw error;
  }
}

const refused = (name: string, reason: string): FileAnswer => ({
  name,
  path: null,
  status: "refused",
  as: null,
  reason,
  sha256: null,
  buildId: null,
  debugId: null,
});

/** Of a member of an archive, or of a file named with folders; for people. */
const basename = (name: string): string =>
  (name.split(/[/\\]/).findLast((part) => part !== "") ?? name).slice(0, MAX_NAME_CHARS);

function describe({ kind, os, machine, ...holds }: NativeIdentity): string {
  switch (kind) {
    case "breakpad":
      return `breakpad sym ${os?.toLowerCase()} ${machine}`;
    case "supplementary":
      return "dwz supplementary";
    case "dwp":
    case "dwo":
      return kind;
    case "object":
    case "debug":
      return `elf ${machine}, ${contentOf(holds)}`;
  }
}

function contentOf({
  hasDebugInfo,
  symbols,
}: Pick<NativeIdentity, "hasDebugInfo" | "symbols">): string {
  if (hasDebugInfo) return "debug info";
  if (symbols === null) return "no symbols";
  return symbols === "dynsym" ? "exported symbols only" : "symbols only";
}

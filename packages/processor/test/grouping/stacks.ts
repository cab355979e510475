/** Reports for tests, written the way a stack is read: innermost frame first. */
import type { GroupInput } from "../../src/grouping/index.ts";

export interface FrameFields {
  readonly language: "python" | "native";
  readonly module: string | null;
  readonly function: string | null;
  readonly file: string | null;
  readonly line?: number | null;
  readonly inApp: boolean | null;
  readonly role: string | null;
  readonly offset?: string;
}

/** A frame as faulthandler knows it: a file and a name. */
export const at = (file: string, name: string, more: Partial<FrameFields> = {}): FrameFields => ({
  language: "python",
  module: null,
  function: name,
  file,
  inApp: null,
  role: null,
  ...more,
});

/** A frame of the program, below the deploy root of the tests. */
export const app = (path: string, name: string): FrameFields => at(`/srv/shop/${path}`, name);
export const installed = (path: string, name: string): FrameFields =>
  at(`/srv/venv/lib/python3.12/site-packages/${path}`, name);
export const stdlib = (path: string, name: string): FrameFields =>
  at(`/usr/lib/python3.12/${path}`, name);
export const native = (module: string, name: string, role: string | null = null): FrameFields => ({
  ...at("", name, { role }),
  language: "native",
  module,
  file: null,
});

export const threadBase: readonly FrameFields[] = [
  stdlib("threading.py", "run"),
  stdlib("threading.py", "_bootstrap_inner"),
  stdlib("threading.py", "_bootstrap"),
];
export const mainBase: readonly FrameFields[] = [app("manage.py", "<module>")];

export interface Death {
  readonly kind?: string;
  readonly reason?: string | null;
  readonly message?: string | null;
  readonly classification?: string | null;
  readonly garbageCollecting?: boolean;
}

export function crash(stack: readonly FrameFields[], death: Death = {}): GroupInput {
  const { garbageCollecting = false, ...fields } = death;
  return {
    kind: "signal",
    reason: "SIGSEGV",
    message: null,
    classification: null,
    crashingThread: 0,
    ...fields,
    threads: [{ stack, garbageCollecting }],
  };
}

export const hang = (stack: readonly FrameFields[]): GroupInput =>
  crash(stack, { kind: "timeout", reason: null });

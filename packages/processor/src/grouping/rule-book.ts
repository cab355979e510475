/** A project's rules while they look at one crash, frame after frame. */
import type { Crash, CrashFrame } from "./input.ts";
import type { Kind } from "./kind.ts";
import type { NativeFrame } from "./native-frame.ts";
import type { FrameAction, MatcherName, ProjectRule } from "./project-rules.ts";
import type { PythonFrame } from "./python-frame.ts";

/** What a rule says of a frame. */
export interface Verdict {
  readonly action: FrameAction;
  readonly reason: string;
}

/** The texts that each matcher is tried on. */
type Subjects = Readonly<Partial<Record<MatcherName, readonly (string | null)[]>>>;

export class RuleBook {
  readonly #ofFrames: readonly ProjectRule[];
  readonly #ofCrash: readonly ProjectRule[];
  readonly #met = new Set<ProjectRule>();

  /** Of `rules`, those whose `kind` and `msg` hold for this crash. */
  constructor(rules: readonly ProjectRule[], crash: Crash, kind: Kind) {
    const subjects = { kind: [kind.refined, kind.base, kind.words], msg: [crash.message] };
    const holding = rules.filter((rule) => holds(rule.crash, subjects));
    this.#ofFrames = holding.filter(({ action }) => typeof action === "string");
    this.#ofCrash = holding.filter(({ action }) => typeof action !== "string");
    for (const rule of this.#ofCrash) if (rule.frame.size === 0) this.#met.add(rule);
  }

  /** What the first rule that fits says of a native frame; null where none does. */
  native(frame: CrashFrame, { object, name }: NativeFrame): Verdict | null {
    return this.#look({ fn: [name], obj: [object.key], file: [pathOf(frame)] });
  }

  /** The same of a Python frame. */
  python(frame: CrashFrame, { name, location, token, label }: PythonFrame): Verdict | null {
    const py = [location.module, frame.module, token, label];
    return this.#look({ fn: [name], py, file: [pathOf(frame)] });
  }

  #look(subjects: Subjects): Verdict | null {
    for (const rule of this.#ofCrash) if (holds(rule.frame, subjects)) this.#met.add(rule);
    for (const { action, frame, text } of this.#ofFrames) {
      if (typeof action !== "string" || !holds(frame, subjects)) continue;
      return { action, reason: `the project's rule: ${text}` };
    }
    return null;
  }

  /** The class of death that a rule gives the crash, once all its frames were looked at. */
  get kind(): string | null {
    for (const { action } of this.#metRules()) if (hasKind(action)) return action.kind;
    return null;
  }

  /** The template that a rule makes the crash's key of. */
  get key(): string | null {
    for (const { action } of this.#metRules()) if (hasKey(action)) return action.key;
    return null;
  }

  #metRules(): readonly ProjectRule[] {
    return this.#ofCrash.filter((rule) => this.#met.has(rule));
  }
}

const hasKind = (action: ProjectRule["action"]): action is { readonly kind: string } =>
  typeof action !== "string" && "kind" in action;
const hasKey = (action: ProjectRule["action"]): action is { readonly key: string } =>
  typeof action !== "string" && "key" in action;

const pathOf = ({ file }: CrashFrame): string | null => file?.replaceAll("\\", "/") ?? null;

const holds = (matchers: ProjectRule["frame"], subjects: Subjects): boolean =>
  [...matchers].every(([name, glob]) =>
    subjects[name]?.some((text) => text !== null && glob.test(text)),
  );

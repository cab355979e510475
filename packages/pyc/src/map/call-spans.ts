/**
 * Which expressions on a line can have entered a function: the instructions of that line that can,
 * by the rules of their kind (call-sites/kinds.ts).
 *
 * A call can enter anything: its callee may be an alias, a class, or C code that calls back. A call of a
 * name that the file itself proves (call-sites/module-names.ts) or of a function made on the spot is
 * narrower. Where calls have the callee's name, which the file uses for nothing else, and the callee is
 * known to run when it is called, it is one of these. Other instructions enter functions by protocol (`+` enters `__add__`); under another
 * name only when nothing on the line explains the callee's name.
 *
 * Not seen here, for it can happen at any instruction: signal handlers, trace functions, and what the
 * garbage collector runs.
 */
import { CodeFlag, RUNS_LATER } from "../code-object.ts";
import {
  entersByName,
  hasAliases,
  isAttribute,
  isCall,
  isImportMachinery,
  isSpecialName,
  mayBeGeneratorMethod,
  ONLY_CALLED,
  protocolOf,
  runsGenerators,
  SiteKind,
} from "../call-sites/kinds.ts";
import { MAX_CALL_SPANS } from "../limits.ts";
import type { CodeSummary, EntryWay, Position } from "../map-types.ts";
import type { OpenedMap } from "./reader.ts";

export interface CallQuery {
  readonly index: number;
  readonly line: number;
  /** `co_name` of the frame inside; null: not known, or none. */
  readonly callee: string | null;
  /** Code object of the frame inside; null: not known. */
  readonly calleeCode: CodeSummary | null;
}

/** Lazy imports (PEP 810) make any name an import. */
const FIRST_WITH_LAZY_IMPORTS = 15;

const FIRST_WITH_LATE_ITER = 15;

export function callSpans(map: OpenedMap, query: CallQuery): Position[] {
  const { columns } = map;
  const firstRun = columns.runStarts[query.index]!;
  const sites = sitesOfLine(map, query);
  const spans: Position[] = [];
  if (sites.end === sites.start) return spans;
  if (isAnywhere(map, query.callee)) {
    addLine(map, query, spans);
    return spans;
  }
  const callee = query.callee === null ? null : new Callee(map, query, query.callee, sites);
  for (let site = sites.start; site < sites.end && spans.length < MAX_CALL_SPANS; site++) {
    const kind = kindOf(map, site);
    const isCandidate = callee === null ? mayCrash(kind) : callee.fits(site, kind);
    if (isCandidate) add(spans, map.positionOfRun(firstRun + (columns.siteRuns[site] ?? 0)));
  }
  return spans;
}

/**
 * How the instructions of the line can have entered the callee, each way once; none where the format
 * does not tell, or nothing on the line can.
 */
export function entryWays(map: OpenedMap, query: CallQuery): EntryWay[] {
  const sites = sitesOfLine(map, query);
  if (query.callee === null || isAnywhere(map, query.callee)) return [];
  const callee = new Callee(map, query, query.callee, sites);
  const ways = new Map<string, EntryWay>();
  for (let site = sites.start; site < sites.end; site++) {
    const kind = kindOf(map, site);
    if (!callee.fits(site, kind)) continue;
    const way = { by: protocolOf(kind), named: callee.isPlain && callee.isNamed(site) };
    ways.set(`${way.by} ${way.named}`, way);
  }
  return [...ways.values()];
}

interface SiteRange {
  readonly start: number;
  readonly end: number;
}

function sitesOfLine(map: OpenedMap, { index, line }: CallQuery): SiteRange {
  const { runStarts, siteStarts, siteRuns } = map.columns;
  const firstRun = runStarts[index]!;
  const end = siteStarts[index + 1]!;
  const bound = (wanted: number): number => {
    let low = siteStarts[index]!;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (map.lineOfRun(firstRun + (siteRuns[middle] ?? 0)) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return { start: bound(line + 1), end: bound(line + 2) };
}

/** What the standard library runs when an object dies: finalizers, and callbacks of weak references. */
const whenDying = new Set(["__del__", "_remove", "_removeHandlerRef", "_warn_unawaited_coroutine"]);

/** An object can die, and with lazy imports a name can import, at any instruction. */
function isAnywhere(map: OpenedMap, callee: string | null): boolean {
  if (callee === null) return false;
  if (whenDying.has(callee)) return true;
  return map.minor >= FIRST_WITH_LAZY_IMPORTS && isImportMachinery(callee);
}

function addLine(map: OpenedMap, { index, line }: CallQuery, spans: Position[]): void {
  const { runStarts } = map.columns;
  const end = runStarts[index + 1]!;
  for (let run = runStarts[index]!; run < end && spans.length < MAX_CALL_SPANS; run++) {
    if (map.lineOfRun(run) === line + 1) add(spans, map.positionOfRun(run));
  }
}

/** What can have crashed by itself. A method's own load is taken as part of its call. */
const mayCrash = (kind: number): boolean =>
  isCall(kind) || (hasAliases(kind) && kind !== SiteKind.method);

function add(spans: Position[], position: Position): void {
  const isKnown = spans.some(
    (span) =>
      span.endLine === position.endLine &&
      span.column === position.column &&
      span.endColumn === position.endColumn,
  );
  if (!isKnown) spans.push(position);
}

const kindOf = (map: OpenedMap, site: number): number =>
  (map.columns.siteKinds[site] ?? 0) & ~ONLY_CALLED;

/** The function inside, and what its name says about the instructions of the line. */
class Callee {
  readonly #map: OpenedMap;
  readonly #name: string;
  readonly #code: CodeSummary | null;
  /** Its body runs when something iterates or awaits, not when it is called; and whether that may be so. */
  readonly #runsLater: boolean;
  readonly #mayRunLater: boolean;
  /** Something on the line has its name. */
  readonly #isExplained: boolean;
  /** Calls on the line have its name, and nothing in the file gives it another. */
  readonly #isOnlyCalled: boolean;

  constructor(map: OpenedMap, { calleeCode }: CallQuery, name: string, sites: SiteRange) {
    this.#map = map;
    this.#name = name;
    this.#code = calleeCode;
    this.#runsLater =
      name === "<genexpr>" || (calleeCode !== null && (calleeCode.flags & RUNS_LATER) !== 0);
    this.#mayRunLater = this.#runsLater || (calleeCode === null && this.#mayBeGenerator());
    const isSpecial = isImplicit(name);
    this.#isExplained = isSpecial || this.#isNamedOn(sites);
    this.#isOnlyCalled = !isSpecial && !this.#mayRunLater && this.#isOnlyCalledOn(sites);
  }

  /** Whether the instruction of the site can have entered it. */
  fits(site: number, kind: number): boolean {
    if (kind === SiteKind.creates) return this.#isIterMethod();
    // When the function that a call enters ends, what it leaves behind dies: a generator is closed by
    // running it, under the frame of the caller.
    if (kind === SiteKind.enters) return this.#mayRunLater || this.isNamed(site);
    if (kind === SiteKind.call) {
      return this.#isOnlyCalled ? this.isNamed(site) : !isComprehension(this.#name);
    }
    if (entersByName(kind, this.#name)) return true;
    if (this.#mayRunLater && runsGenerators(kind)) return true;
    if (kind === SiteKind.method) {
      return (!this.#isExplained || this.isNamed(site)) && this.#mayBeProperty();
    }
    if (isAttribute(kind) && this.isNamed(site)) return true;
    return !this.#isExplained && hasAliases(kind);
  }

  /** From 3.15 on a generator expression asks for its iterator before the generator is there. */
  #isIterMethod(): boolean {
    return this.#map.minor >= FIRST_WITH_LATE_ITER && entersByName(SiteKind.iterator, this.#name);
  }

  /** Bound to its own name as it was defined. */
  get isPlain(): boolean {
    return this.#code?.isPlain === true;
  }

  isNamed(site: number): boolean {
    return this.#nameOf(site) === this.#name;
  }

  #nameOf(site: number): string {
    return this.#map.string(this.#map.columns.siteNames[site] ?? 0);
  }

  /** Without its code object: a comprehension is made where it runs, so that the file tells; most special methods never are. */
  #mayBeGenerator(): boolean {
    if (isSpecialName(this.#name)) return mayBeGeneratorMethod(this.#name);
    if (!isComprehension(this.#name)) return true;
    const { flags } = this.#map.columns;
    return this.#map.codesNamed(this.#name).some((code) => (flags[code]! & RUNS_LATER) !== 0);
  }

  /** A call or attribute on the line has its name, or a protocol of the line enters it by its name. */
  #isNamedOn(sites: SiteRange): boolean {
    for (let site = sites.start; site < sites.end; site++) {
      const kind = kindOf(this.#map, site);
      if (entersByName(kind, this.#name)) return true;
      const isNamed = (isCall(kind) || isAttribute(kind)) && this.isNamed(site);
      if (isNamed && !(isCall(kind) && this.#runsLater)) return true;
    }
    return false;
  }

  #isOnlyCalledOn(sites: SiteRange): boolean {
    const { siteKinds } = this.#map.columns;
    for (let site = sites.start; site < sites.end; site++) {
      if (((siteKinds[site] ?? 0) & ONLY_CALLED) !== 0 && this.isNamed(site)) return true;
    }
    return false;
  }

  /**
   * A decorated function may be a property of its own name; where nothing on the line has its name, a
   * method may be a property's function under another one.
   */
  #mayBeProperty(): boolean {
    const codes =
      this.#code === null
        ? this.#map.codesNamed(this.#name).map((index) => this.#map.code(index))
        : [this.#code];
    return codes.some((code) => {
      if ((code.flags & CodeFlag.optimized) === 0) return false;
      return this.#isExplained ? code.isPlain !== true : isMethod(code);
    });
  }
}

/** Defined in a class, as its qualified name tells. */
const isMethod = ({ name, qualname }: CodeSummary): boolean =>
  qualname !== name && !qualname.endsWith(`<locals>.${name}`);

const comprehensions = new Set(["<listcomp>", "<setcomp>", "<dictcomp>"]);

/** Up to 3.11: a function that nothing but the call after its making can enter. */
const isComprehension = (name: string): boolean => comprehensions.has(name);

/** Entered without being named, and never under another name: special methods, code that has no name to call it by. */
const isImplicit = (name: string): boolean =>
  name === "<module>" || name === "<genexpr>" || isComprehension(name) || isSpecialName(name);

/**
 * Goes through the instructions of code objects (3.11+) and lists those that can enter Python functions,
 * each with the name that its callee or attribute evidently has.
 */
import { type CodeObject, RUNS_LATER } from "../code-object.ts";
import type { PositionRuns } from "../line-tables/position-runs.ts";
import { NULL } from "../marshal/objects.ts";
import { NumberList } from "../number-list.ts";
import type { PycFile } from "../pyc-file.ts";
import { CallSites } from "./call-sites.ts";
import { Follower, INTRINSIC_IMPORT_STAR } from "./follower.ts";
import { Flow, type InstructionSet, Role } from "./instruction-set.ts";
import { ONLY_CALLED, operatorKind, SiteKind } from "./kinds.ts";
import { type OperandStack, Slot, slotIndex, slotKind } from "./operand-stack.ts";

/** CALL_INTRINSIC_1's argument (opcode._intrinsic_1_descs). */
const INTRINSIC_UNARY_POSITIVE = 5;

export class CallSiteScanner {
  readonly sites = new CallSites();
  readonly #file: PycFile;
  readonly #set: InstructionSet;
  readonly #follower: Follower;
  readonly #stack: OperandStack;
  /** Sites that call a name; and for each 1 where it is a global one. */
  readonly #namedCalls = new NumberList();
  readonly #areGlobal = new NumberList();
  #isClassBody = false;

  constructor(file: PycFile, set: InstructionSet) {
    this.#file = file;
    this.#set = set;
    this.#follower = new Follower(file, set);
    this.#stack = this.#follower.stack;
  }

  /** Whether the function of that code number is bound to its own name as it was made, without decorators. */
  isPlain(code: number): boolean {
    return this.#follower.plain[code] === 1;
  }

  /** Adds the sites of one code object, whose runs begin at `firstRun` and are the last of `runs`. */
  scan(code: CodeObject, runs: PositionRuns, firstRun: number): void {
    const follower = this.#follower;
    follower.begin(code);
    this.#isClassBody = code.parent !== null && !code.isFunction;
    this.#stack.begin(code.codeLength);
    if (code.hasExceptions) this.#addHandlers(code);
    const { bytes } = this.#file;
    const { caches, roles, kinds, flows, pops, pushes, popsPerUnit } = this.#set;
    const { codeStart, codeLength } = code;
    const stack = this.#stack;
    const { arrivals } = stack;
    this.sites.reserve(codeLength >> 1);
    let run = firstRun;
    let argument = 0;
    for (let offset = 0; offset < codeLength;) {
      if (arrivals[offset >> 1] !== 0) stack.arrive(offset);
      const op = bytes[codeStart + offset]!;
      argument |= bytes[codeStart + offset + 1]!;
      const role = roles[op]!;
      if (role === Role.extendedArg) {
        argument <<= 8;
        offset += 2;
        continue;
      }
      const next = offset + 2 + 2 * caches[op]!;
      if (kinds[op] !== 0) {
        while (run + 1 < runs.count && runs.starts[run + 1]! <= offset) run++;
        this.#site(op, argument, role, run);
      }
      if (role === Role.none) {
        stack.move(pops[op]! + popsPerUnit[op]! * argument, pushes[op]!);
      } else {
        follower.follow(op, argument, role);
      }
      if (flows[op] !== Flow.next) stack.leave(op, next + 2 * argument);
      argument = 0;
      offset = next;
    }
    follower.end();
  }

  /** Once all code objects are scanned: what can be told of calls of names from the whole file. */
  finish(): void {
    if (!this.#file.namesAreShared) return;
    const { kinds, names } = this.sites;
    const follower = this.#follower;
    for (let index = 0; index < this.#namedCalls.length; index++) {
      const site = this.#namedCalls.values[index]!;
      const name = names[site]!;
      const isGlobal = this.#areGlobal.values[index] === 1;
      const kind = isGlobal ? follower.globals.kindOfCall(name) : SiteKind.call;
      kinds[site] = kind | (follower.loads.isValue(name) ? 0 : ONLY_CALLED);
    }
  }

  #site(op: number, argument: number, role: number, run: number): void {
    const kind = this.#set.kinds[op]!;
    switch (role) {
      case Role.none:
        this.sites.add(run, kind, NULL);
        return;
      case Role.call:
      case Role.callEx:
        this.#callSite(op, argument, run);
        return;
      case Role.loadAttribute:
        this.#attributeSite(run, this.#set.minor >= 12 ? argument >> 1 : argument);
        return;
      case Role.loadSuperAttribute:
        this.#attributeSite(run, argument >> 2);
        return;
      case Role.loadMethod:
      case Role.storeAttribute:
        this.sites.add(run, kind, this.#follower.name(argument));
        return;
      case Role.loadName:
      case Role.storeName:
      case Role.deleteGlobal:
        // A class body may have a namespace of its metaclass's making; a module's is a plain dict.
        if (this.#isClassBody) this.sites.add(run, kind, NULL);
        return;
      default: {
        const exact = this.#exactKind(kind, argument, role);
        if (exact !== 0) this.sites.add(run, exact, NULL);
      }
    }
  }

  /** A load that turns out to be of what a call calls becomes a method's. */
  #attributeSite(run: number, index: number): void {
    const site = this.sites.add(run, SiteKind.attribute, this.#follower.name(index));
    this.#follower.loads.setNextSite(site);
  }

  /** The kind where it hangs on the argument or the operands; 0 when nothing can be entered. */
  #exactKind(kind: number, argument: number, role: number): number {
    switch (role) {
      case Role.binaryOperator:
        return operatorKind(argument);
      case Role.intrinsic:
        if (argument === INTRINSIC_IMPORT_STAR) return SiteKind.importStar;
        return argument === INTRINSIC_UNARY_POSITIVE ? SiteKind.positive : 0;
      case Role.extend: // of a constant: a list or set display
        return slotKind(this.#stack.at(0)) === Slot.constant ? 0 : kind;
      case Role.buildMap:
        return this.#areConstants(argument, 2) ? 0 : kind;
      case Role.buildSet:
        return this.#areConstants(argument, 1) ? 0 : kind;
      default:
        return kind;
    }
  }

  /** Whether the top `count` values, or keys with a value above each, are constants. */
  #areConstants(count: number, step: number): boolean {
    for (let index = 0; index < count; index++) {
      const kind = slotKind(this.#stack.at(index * step + step - 1));
      if (kind !== Slot.constant) return false;
    }
    return true;
  }

  #callSite(op: number, argument: number, run: number): void {
    const callee = this.#stack.callee(op, argument);
    const index = slotIndex(callee);
    switch (slotKind(callee)) {
      case Slot.global:
      case Slot.name:
      case Slot.attribute:
      case Slot.local: {
        const { loads } = this.#follower;
        loads.markCalled(index);
        if (loads.site(index) >= 0) this.sites.kinds[loads.site(index)] = SiteKind.method;
        const site = this.sites.add(run, SiteKind.call, loads.name(index));
        const isGlobal = this.#follower.isGlobal(slotKind(callee));
        this.#namedCalls.push(site);
        this.#areGlobal.push(Number(isGlobal));
        return;
      }
      case Slot.made:
        this.#madeCall(index, run);
        return;
      case Slot.buildClass: {
        const body = this.#stack.firstArgument(op, argument);
        const made = slotKind(body) === Slot.made ? this.#file.codes[slotIndex(body)] : undefined;
        this.sites.add(run, SiteKind.call, made?.name ?? NULL);
        return;
      }
      default:
        this.sites.add(run, SiteKind.call, NULL);
    }
  }

  /** A call of a function that was made for it: a comprehension, or a lambda on the spot. */
  #madeCall(code: number, run: number): void {
    const { flags, name } = this.#file.codes[code]!;
    const kind = (flags & RUNS_LATER) === 0 ? SiteKind.enters : SiteKind.creates;
    this.sites.add(run, kind, name);
  }

  /** At a handler the exception lies on top, below it perhaps the offset that raised. */
  #addHandlers(code: CodeObject): void {
    for (const { target, depth, lasti } of code.exceptions()) {
      this.#stack.addHandler(target, depth + (lasti ? 2 : 1));
    }
  }
}

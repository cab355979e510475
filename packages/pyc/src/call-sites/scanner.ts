/**
 * Goes through the instructions of code objects (3.11+) and lists those that can enter Python functions,
 * each with the name that its callee or attribute evidently has.
 */
import { type CodeObject, RUNS_LATER } from "../code-object.ts";
import type { PositionRuns } from "../line-tables/position-runs.ts";
import { NULL } from "../marshal/objects.ts";
import { Type } from "../marshal/types.ts";
import type { PycFile } from "../pyc-file.ts";
import { CallSites } from "./call-sites.ts";
import { type InstructionSet, Role } from "./instruction-set.ts";
import { ONLY_CALLED, operatorKind, SiteKind } from "./kinds.ts";
import { Loads } from "./loads.ts";
import { ModuleNames } from "./module-names.ts";
import { OperandStack, Slot, slot, slotIndex, slotKind } from "./operand-stack.ts";

/** CALL_INTRINSIC_1's arguments (opcode._intrinsic_1_descs). */
const INTRINSIC_IMPORT_STAR = 2;
const INTRINSIC_UNARY_POSITIVE = 5;

/** Decorators whose outcome, when called, enters the very function they are given. */
const transparent = new Set(["abstractmethod", "classmethod", "final", "override", "staticmethod"]);

export class CallSiteScanner {
  readonly sites = new CallSites();
  /** By code number: 1 where the function is bound to its own name as it was made, without decorators. */
  readonly plain: Uint8Array;
  readonly #file: PycFile;
  readonly #set: InstructionSet;
  readonly #stack: OperandStack;
  readonly #globals: ModuleNames;
  readonly #loads: Loads;
  /** Sites that call a name. */
  readonly #namedCalls: number[] = [];
  /** 1 for each of them whose name is a global one. */
  readonly #areGlobal: number[] = [];
  #code: CodeObject;
  #isModule = false;
  #isClassBody = false;

  constructor(file: PycFile, set: InstructionSet, module: CodeObject) {
    this.#file = file;
    this.#set = set;
    this.#stack = new OperandStack(set);
    this.#globals = new ModuleNames(file);
    this.#loads = new Loads(file);
    this.#code = module;
    this.plain = new Uint8Array(file.codes.length);
  }

  /** Adds the sites of one code object, whose runs begin at `firstRun` and are the last of `runs`. */
  scan(code: CodeObject, runs: PositionRuns, firstRun: number): void {
    this.#code = code;
    this.#isModule = code.parent === null;
    this.#isClassBody = !this.#isModule && !code.isFunction;
    this.#stack.begin(handlers(code));
    const { bytes } = this.#file;
    const { caches, roles, kinds } = this.#set;
    const { codeStart, codeLength } = code;
    const stack = this.#stack;
    let run = firstRun;
    let argument = 0;
    for (let offset = 0; offset < codeLength;) {
      stack.arrive(offset);
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
      if (role >= Role.storeName) this.#store(argument, role);
      if (role === Role.loadTwoLocals) {
        stack.push(this.#load(Slot.local, this.#local(argument >> 4)));
        stack.push(this.#load(Slot.local, this.#local(argument & 15)));
      } else {
        stack.apply(op, argument, this.#value(op, argument, role));
      }
      stack.leave(op, next + 2 * argument);
      argument = 0;
      offset = next;
    }
    this.#loads.end();
  }

  /** Once all code objects are scanned: what calls of names can be told from the whole file. */
  finish(): void {
    const { kinds, names } = this.sites;
    this.#namedCalls.forEach((site, index) => {
      const name = this.#file.text(names[site]!);
      const kind = this.#areGlobal[index] === 1 ? this.#globals.kindOfCall(name) : SiteKind.call;
      kinds[site] = kind | (this.#loads.isValue(name) ? 0 : ONLY_CALLED);
    });
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
      case Role.loadAttribute: {
        const isMethod = this.#set.minor >= 12 && (argument & 1) === 1;
        const index = this.#set.minor >= 12 ? argument >> 1 : argument;
        this.sites.add(run, isMethod ? SiteKind.method : kind, this.#name(index));
        return;
      }
      case Role.loadSuperAttribute: {
        const isMethod = (argument & 1) === 1;
        this.sites.add(run, isMethod ? SiteKind.method : kind, this.#name(argument >> 2));
        return;
      }
      case Role.loadMethod:
      case Role.storeAttribute:
        this.sites.add(run, kind, this.#name(argument));
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
        this.#loads.markCalled(index);
        const site = this.sites.add(run, SiteKind.call, this.#loads.name(index));
        const isGlobal =
          slotKind(callee) === Slot.global || (this.#isModule && slotKind(callee) === Slot.name);
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

  /** What the instruction leaves on the stack, where that is worth knowing. */
  #value(op: number, argument: number, role: number): number {
    switch (role) {
      case Role.loadName:
        return this.#load(Slot.name, this.#name(argument));
      case Role.loadGlobal:
        return this.#load(Slot.global, this.#name(argument >> 1));
      case Role.loadLocal:
        return this.#load(Slot.local, this.#local(argument));
      case Role.storeAndLoadLocal:
        return this.#load(Slot.local, this.#local(argument & 15));
      case Role.loadAttribute:
        return this.#load(
          Slot.attribute,
          this.#name(this.#set.minor >= 12 ? argument >> 1 : argument),
        );
      case Role.loadSuperAttribute:
        return this.#load(Slot.attribute, this.#name(argument >> 2));
      case Role.loadMethod:
      case Role.importFrom:
        return this.#load(Slot.attribute, this.#name(argument));
      case Role.makeFunction:
        return this.#made();
      case Role.call:
        return argument === 0 ? this.#decorated(op, argument) : Slot.other;
      default:
        return Slot.other;
    }
  }

  #load(kind: number, name: number): number {
    return name === NULL ? Slot.other : slot(kind, this.#loads.add(name));
  }

  /** The function of MAKE_FUNCTION. */
  #made(): number {
    const code = this.#stack.at(0);
    if (slotKind(code) !== Slot.constant) return Slot.other;
    const { objects } = this.#file;
    const id = objects.child(this.#code.fields.consts, slotIndex(code));
    return objects.type(id) === Type.code ? slot(Slot.made, objects.start(id)) : Slot.other;
  }

  /** The function that a decorator which changes nothing was given; other when it is no such call. */
  #decorated(op: number, argument: number): number {
    const callee = this.#stack.callee(op, argument);
    const made = this.#stack.calleeSelf(op, argument);
    if (slotKind(made) !== Slot.made) return Slot.other;
    if (slotKind(callee) !== Slot.name && slotKind(callee) !== Slot.global) return Slot.other;
    const name = this.#file.text(this.#loads.name(slotIndex(callee)));
    return transparent.has(name) ? made : Slot.other;
  }

  /** Notes what names are bound to. */
  #store(argument: number, role: number): void {
    switch (role) {
      case Role.storeName:
        this.#bind(this.#name(argument), 0, this.#isModule);
        break;
      case Role.storeGlobal:
        this.#bind(this.#name(argument), 0, true);
        break;
      case Role.storeLocal:
        this.#bind(this.#local(argument), 0, false);
        break;
      case Role.storeAndLoadLocal:
        this.#bind(this.#local(argument >> 4), 0, false);
        break;
      case Role.storeTwoLocals:
        this.#bind(this.#local(argument >> 4), 0, false);
        this.#bind(this.#local(argument & 15), 1, false);
        break;
      case Role.deleteGlobal: {
        const name = this.#name(argument);
        if (name !== NULL && !this.#isClassBody) this.#globals.bind(name, -1);
        break;
      }
      case Role.importStar:
        this.#globals.bindAnything();
        break;
      case Role.intrinsic:
        if (argument === INTRINSIC_IMPORT_STAR) this.#globals.bindAnything();
        break;
      default:
        break;
    }
  }

  /** The value `below` the top of the stack is bound to the name. */
  #bind(name: number, below: number, isGlobal: boolean): void {
    if (name === NULL) return;
    const value = this.#stack.at(below);
    const index = slotIndex(value);
    let made = -1;
    switch (slotKind(value)) {
      case Slot.made:
        if (this.#isSameText(this.#file.codes[index]!.name, name)) made = index;
        break;
      case Slot.name:
      case Slot.global:
      case Slot.local:
      case Slot.attribute:
        // `from m import f` is no alias; `g = f` and `from m import f as g` are.
        if (this.#isSameText(this.#loads.name(index), name)) this.#loads.markCalled(index);
        else this.#loads.markAsValue(index);
        break;
      default:
        break;
    }
    if (made !== -1) this.plain[made] = 1;
    if (isGlobal) this.#globals.bind(name, made);
  }

  #isSameText(one: number, other: number): boolean {
    return one === other || this.#file.text(one) === this.#file.text(other);
  }

  /** Id of `co_names[index]`; NULL when there is none. */
  #name(index: number): number {
    return index < 0 ? NULL : this.#file.objects.child(this.#code.fields.names, index);
  }

  #local(index: number): number {
    return index < 0 ? NULL : this.#file.objects.child(this.#code.fields.varnames, index);
  }
}

/** Offset and stack depth of each exception handler: the exception lies on top, below it perhaps the offset that raised. */
function* handlers(code: CodeObject): Generator<readonly [offset: number, depth: number]> {
  for (const { target, depth, lasti } of code.exceptions()) {
    yield [target, depth + (lasti ? 2 : 1)];
  }
}

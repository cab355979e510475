/**
 * What instructions do to the operand stack and to names, followed as far as callees need it: which
 * name or function each slot holds, what names are bound to, which of them are used as values.
 */
import type { CodeObject } from "../code-object.ts";
import { NULL } from "../marshal/objects.ts";
import { Type } from "../marshal/types.ts";
import type { PycFile } from "../pyc-file.ts";
import { type InstructionSet, Role } from "./instruction-set.ts";
import { Loads } from "./loads.ts";
import { ModuleNames } from "./module-names.ts";
import { OperandStack, Slot, slot, slotIndex, slotKind } from "./operand-stack.ts";

/** CALL_INTRINSIC_1's argument (opcode._intrinsic_1_descs). */
export const INTRINSIC_IMPORT_STAR = 2;

/** Decorators whose outcome, when called, enters the very function they are given. */
const transparent = new Set(["abstractmethod", "classmethod", "final", "override", "staticmethod"]);

/** LOAD_GLOBAL has the NULL beside the callable below it up to 3.12, above it from 3.13 on. */
const FIRST_WITH_NULL_ABOVE = 13;
/** From 3.12 on LOAD_ATTR's lowest bit says that the attribute is to be called. */
const FIRST_WITH_METHOD_BIT = 12;

export class Follower {
  readonly stack: OperandStack;
  readonly globals: ModuleNames;
  readonly loads: Loads;
  /** By code number: 1 where the function is bound to its own name as it was made, without decorators. */
  readonly plain: Uint8Array;
  readonly #file: PycFile;
  readonly #set: InstructionSet;
  /** `co_names` and the local variables of the code object at hand: where they begin among all children. */
  readonly #children: Int32Array;
  #namesStart = 0;
  #namesCount = 0;
  #localsStart = 0;
  #localsCount = 0;
  /** Id of its `co_consts`. */
  #constants = NULL;
  #isModule = false;
  #isClassBody = false;

  constructor(file: PycFile, set: InstructionSet) {
    this.#file = file;
    this.#set = set;
    this.stack = new OperandStack(set);
    this.globals = new ModuleNames(file);
    this.loads = new Loads(file.objects.count);
    this.plain = new Uint8Array(file.codes.length);
    this.#children = file.objects.children;
  }

  begin({ fields, parent, isFunction, codeLength }: CodeObject): void {
    this.loads.begin(codeLength >> 1);
    const { objects } = this.#file;
    this.#namesStart = objects.start(fields.names);
    this.#namesCount = objects.size(fields.names);
    this.#localsStart = objects.start(fields.varnames);
    this.#localsCount = objects.size(fields.varnames);
    this.#constants = fields.consts;
    this.#isModule = parent === null;
    this.#isClassBody = parent !== null && !isFunction;
  }

  end(): void {
    this.loads.end();
  }

  /** Whether a slot's name is one of the module's. */
  isGlobal(kind: number): boolean {
    return kind === Slot.global || (this.#isModule && kind === Slot.name);
  }

  /** Id of `co_names[index]`; NULL when there is none. */
  name(index: number): number {
    return index >= 0 && index < this.#namesCount
      ? this.#children[this.#namesStart + index]!
      : NULL;
  }

  /** Follows an instruction of any role but Role.none, which only moves the stack. */
  follow(op: number, argument: number, role: number): void {
    if (role < Role.loadAttribute) this.#followLoad(argument, role);
    else if (role < Role.storeName) this.#followCall(op, argument, role);
    else if (role < Role.unpackSequence) this.#followStore(argument, role);
    else this.#followOther(op, argument, role);
  }

  #followLoad(argument: number, role: number): void {
    const { stack } = this;
    switch (role) {
      case Role.loadLocal:
        stack.push(this.#load(Slot.local, this.#local(argument)));
        break;
      case Role.loadTwoLocals:
        stack.push(this.#load(Slot.local, this.#local(argument >> 4)));
        stack.push(this.#load(Slot.local, this.#local(argument & 15)));
        break;
      case Role.loadConst:
        stack.push(slot(Slot.constant, argument));
        break;
      case Role.loadGlobal:
        this.#loadGlobal(argument);
        break;
      case Role.loadName:
        stack.push(this.#load(Slot.name, this.name(argument)));
        break;
      case Role.loadBuildClass:
        stack.push(Slot.buildClass);
        break;
      default: // PUSH_NULL
        stack.push(Slot.null);
    }
  }

  #followCall(op: number, argument: number, role: number): void {
    const { stack } = this;
    switch (role) {
      case Role.loadAttribute:
        if (this.#set.minor < FIRST_WITH_METHOD_BIT) this.#loadAttribute(1, argument, false);
        else this.#loadAttribute(1, argument >> 1, (argument & 1) === 1);
        break;
      case Role.loadMethod:
        this.#loadAttribute(1, argument, true);
        break;
      case Role.loadSuperAttribute:
        this.#loadAttribute(3, argument >> 2, (argument & 1) === 1);
        break;
      case Role.makeFunction:
        this.#replace(stack.taken(op, argument), this.#made());
        break;
      case Role.setFunctionAttribute:
        this.#replace(2, stack.at(0));
        break;
      case Role.call:
        if (argument === 0) this.#replace(stack.taken(op, 0), this.#decorated(op));
        else stack.move(stack.taken(op, argument), 1);
        break;
      case Role.copy:
        stack.push(stack.at(argument - 1));
        break;
      case Role.swap:
        stack.swap(argument);
        break;
      default: // CALL_FUNCTION_EX
        stack.move(stack.taken(op, argument), 1);
    }
  }

  #followStore(argument: number, role: number): void {
    const { stack } = this;
    switch (role) {
      case Role.storeName:
        this.#bind(this.name(argument), 0, this.#isModule);
        stack.move(1, 0);
        break;
      case Role.storeGlobal:
        this.#bind(this.name(argument), 0, true);
        stack.move(1, 0);
        break;
      case Role.storeLocal:
        this.#bind(this.#local(argument), 0, false);
        stack.move(1, 0);
        break;
      case Role.storeAndLoadLocal:
        this.#bind(this.#local(argument >> 4), 0, false);
        this.#replace(1, this.#load(Slot.local, this.#local(argument & 15)));
        break;
      case Role.storeTwoLocals:
        this.#bind(this.#local(argument >> 4), 0, false);
        this.#bind(this.#local(argument & 15), 1, false);
        stack.move(2, 0);
        break;
      default: // DELETE_NAME, DELETE_GLOBAL
        if (!this.#isClassBody) this.globals.bind(this.name(argument), -1);
    }
  }

  #followOther(op: number, argument: number, role: number): void {
    const { stack } = this;
    switch (role) {
      case Role.unpackSequence:
        stack.move(1, argument);
        break;
      case Role.unpackEx:
        stack.move(1, (argument & 0xff) + 1 + (argument >>> 8));
        break;
      case Role.importFrom:
        stack.push(this.#load(Slot.attribute, this.name(argument)));
        break;
      case Role.unknown:
        stack.lose();
        break;
      default:
        if (role === Role.importStar) this.globals.bindAnything();
        if (role === Role.intrinsic && argument === INTRINSIC_IMPORT_STAR)
          this.globals.bindAnything();
        stack.move(stack.taken(op, argument), this.#set.pushes[op]!);
    }
  }

  #load(kind: number, name: number): number {
    return name === NULL ? Slot.other : slot(kind, this.loads.add(name));
  }

  #loadGlobal(argument: number): void {
    const hasNull = (argument & 1) === 1;
    const isAbove = this.#set.minor >= FIRST_WITH_NULL_ABOVE;
    if (hasNull && !isAbove) this.stack.push(Slot.null);
    this.stack.push(this.#load(Slot.global, this.name(argument >> 1)));
    if (hasNull && isAbove) this.stack.push(Slot.null);
  }

  /** `forCall`: there is a slot more, for self. */
  #loadAttribute(taken: number, index: number, forCall: boolean): void {
    this.#replace(taken, this.#load(Slot.attribute, this.name(index)));
    if (forCall) this.stack.push(Slot.other);
  }

  #replace(taken: number, value: number): void {
    this.stack.move(taken, 0);
    this.stack.push(value);
  }

  /** The function of MAKE_FUNCTION. */
  #made(): number {
    const code = this.stack.at(0);
    if (slotKind(code) !== Slot.constant) return Slot.other;
    const { objects } = this.#file;
    const id = objects.child(this.#constants, slotIndex(code));
    return objects.type(id) === Type.code ? slot(Slot.made, objects.start(id)) : Slot.other;
  }

  /** What a call without arguments gives: the function itself when it is a decorator which changes nothing. */
  #decorated(op: number): number {
    const made = this.stack.calleeSelf(op, 0);
    if (slotKind(made) !== Slot.made) return Slot.other;
    const callee = this.stack.callee(op, 0);
    if (slotKind(callee) !== Slot.name && slotKind(callee) !== Slot.global) return Slot.other;
    const name = this.#file.text(this.loads.name(slotIndex(callee)));
    return transparent.has(name) ? made : Slot.other;
  }

  /** The value `below` the top of the stack is bound to the name. */
  #bind(name: number, below: number, isGlobal: boolean): void {
    if (name === NULL) return;
    const value = this.stack.at(below);
    const index = slotIndex(value);
    let made = -1;
    switch (slotKind(value)) {
      case Slot.made:
        if (this.#file.codes[index]!.name === name) made = index;
        break;
      case Slot.name:
      case Slot.global:
      case Slot.local:
      case Slot.attribute:
        // `from m import f` is no alias; `g = f` and `from m import f as g` are.
        if (this.loads.name(index) === name) this.loads.markCalled(index);
        else this.loads.markAsValue(index);
        break;
      default:
        break;
    }
    if (made !== -1) this.plain[made] = 1;
    if (isGlobal) this.globals.bind(name, made);
  }

  #local(index: number): number {
    const isThere = index >= 0 && index < this.#localsCount;
    return isThere ? this.#children[this.#localsStart + index]! : NULL;
  }
}

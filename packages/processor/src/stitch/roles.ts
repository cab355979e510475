/** Which native frames are machinery: there whatever the program does. */
import type { NativeFrame } from "@faultline/shared";
import { isInterpreterFile } from "../interpreter-file.ts";
import {
  callMachinery,
  evalHandler,
  evalLoop,
  startMachinery,
  systemStart,
} from "./interpreter-names.ts";

const namesOf = (list: string): RegExp => {
  const alternatives = list.trim().split(/\s+/).map(escaped);
  return new RegExp(`^(?:${alternatives.join("|")})$`);
};

const escaped = (name: string): string =>
  name
    .split("*")
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");

const interpreterNames = namesOf(callMachinery);
const startNames = namesOf(`${startMachinery}${systemStart}`);

/** Roles of frames: the same few functions come again and again. */
export class Roles {
  readonly #byName = new Map<string, string | null>();

  /** "interpreter", "start", the role that the frame has already, or null. */
  of({ role, function: name, module }: NativeFrame): string | null {
    if (role !== null) return role;
    if (name === null) return module !== null && isInterpreterFile(module) ? "interpreter" : null;
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const found = roleOf(name);
    this.#byName.set(name, found);
    return found;
  }
}

/** Of calls and of starting. */
export const isMachinery = (name: string): boolean => roleOf(name) !== null;

function roleOf(name: string): string | null {
  if (interpreterNames.test(name)) return "interpreter";
  return startNames.test(name) ? "start" : null;
}

export const isEvalLoop = ({ function: name }: NativeFrame): boolean => name === evalLoop;
export const isEvalHandler = ({ function: name }: NativeFrame): boolean =>
  name !== null && evalHandler.test(name);

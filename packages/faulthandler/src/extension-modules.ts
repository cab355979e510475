/**
 * `Extension modules: a, b (total: 2)` (3.10+): `_Py_DumpExtensionModules`, Python/pylifecycle.c.
 * Names are escaped; one that holds ", " cannot be told from two.
 */
import { readPrinted } from "./escapes.ts";
import { MAX_EXTENSION_MODULES } from "./limits.ts";

export const extensionModulesStart = "Extension modules: ";

export interface ExtensionModules {
  readonly names: readonly string[];
  /** The count that CPython printed. */
  readonly total: number;
  /** Names in the line; more than `names` when the limit was reached. */
  readonly found: number;
}

export function readExtensionModules(text: string): ExtensionModules | null {
  if (!text.startsWith(extensionModulesStart) || !text.endsWith(")")) return null;
  const end = text.lastIndexOf(" (total: ");
  if (end < extensionModulesStart.length) return null;
  const total = text.slice(end + 9, -1);
  if (!/^\d{1,9}$/.test(total)) return null;
  const names = text.slice(extensionModulesStart.length, end).split(", ");
  const kept = names.slice(0, MAX_EXTENSION_MODULES).map((name) => readPrinted(name).text);
  return { names: kept, total: Number(total), found: names.length };
}

/** A function of the program and its private half, which are one place to fail. */
import { privatePrefixes, privateSuffixes } from "./rules/private-names.ts";

const prefix = new RegExp(`^_*(?:(?:${privatePrefixes.join("|")})_+(?=[^_]))?`);
const suffix = new RegExp(String.raw`_+(?:${privateSuffixes.join("|")}|v\d+)$`);

/** `media.store:_do_load_inner` → `media.store:load`; special methods keep their names. */
export function unitOf(token: string): string {
  const colon = token.indexOf(":") + 1;
  const name = token.slice(colon);
  if (/^__\w+__$/.test(name)) return token;
  const bare = name.replace(prefix, "").replace(suffix, "");
  return bare === "" ? token : token.slice(0, colon) + bare;
}

/** Fields and files that hold a process's environment or command line, told by what clients call them. */

/** How the last words of such a name read. */
const PRIVATE =
  /(?:^| )(?:environ|envp|env ?vars?|environment ?variables|argv|args|cmd ?line|command ?line)$/;
/** Chromium's crash keys of its command line, "switch-1" and so on (components/crash/core/common/crash_keys.cc). */
const SWITCH = /^switch-\d{1,3}$/;
/** "env" is as often the name of a deployment: only what it holds can tell. */
const ENV = /(?:^| )env$/;
const ASSIGNMENT = /^[ \t]*[A-Za-z_]\w*=/m;
const LOOK_CHARS = 1_000;

/** `value`: null for a file, whose content nobody looks at. */
export function isPrivate(name: string, value: string | null): boolean {
  const words = name
    .slice(0, LOOK_CHARS)
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, " ")
    .trim();
  if (PRIVATE.test(words) || SWITCH.test(name)) return true;
  return ENV.test(words) && (value === null || ASSIGNMENT.test(value.slice(0, LOOK_CHARS)));
}

/** Machines that run the program: their paths, their interpreter, and what their objects are called. */
import type { FrameFields } from "../stacks.ts";
import { at } from "../stacks.ts";
import { type Dice, numberOf } from "./dice.ts";
import type { PyFunc } from "./python-code.ts";

export type System = "glibc" | "arm64" | "musl" | "windows";

export interface Host {
  readonly name: string;
  readonly system: System;
  /** Minor version of CPython 3. */
  readonly minor: number;
  readonly freeThreaded: boolean;
  readonly app: (release: number) => string;
  readonly packages: string;
  readonly stdlib: string;
  /** The executable or library that holds the interpreter. */
  readonly interpreter: string;
  readonly libc: string;
  /** Share of extensions whose symbols are missing here. */
  readonly stripped: number;
  /** PyInstaller keeps only the path inside the program. */
  readonly frozen: boolean;
}

type AppRoot = Host["app"];
const roots: readonly AppRoot[] = [
  () => "/app",
  (release) => `/srv/shop/releases/2026010${release}120000`,
  (release) => `/opt/shop-1.${release}.0`,
  () => "/home/deploy/shop",
  (release) => `/builds/${numberOf(`build${release}`).toString(16).slice(0, 7)}e1/src`,
];
const venvs = ["/srv/venv", "/opt/py", "/usr/local", "/home/deploy/.venv"];

export function hostOf(roll: Dice, index: number, stripped: number): Host {
  const system = roll.pick<System>(["glibc", "glibc", "glibc", "arm64", "musl", "windows"]);
  const minor = roll.between(8, 15);
  const name = `host${index}`;
  if (system === "windows") {
    const home = roll.pick([`C:\\Python3${minor}`, `D:\\tools\\python3${minor}`]);
    return {
      name,
      system,
      minor,
      stripped,
      freeThreaded: false,
      frozen: false,
      app: () => "C:\\shop",
      packages: `${home}\\Lib\\site-packages`,
      stdlib: `${home}\\Lib`,
      interpreter: `python3${minor}.dll`,
      libc: "ucrtbase.dll",
    };
  }
  const freeThreaded = minor >= 13 && roll.chance(0.25);
  const version = `python3.${minor}${freeThreaded ? "t" : ""}`;
  const venv = roll.pick(venvs);
  return {
    name,
    system,
    minor,
    stripped,
    freeThreaded,
    frozen: roll.chance(0.08),
    app: roll.pick(roots),
    packages: `${venv}/lib/${version}/site-packages`,
    stdlib: `${roll.pick(["/usr", "/usr/local", "/opt/python"])}/lib/${version}`,
    interpreter: roll.pick([`lib${version}.so.1.0`, version, `lib${version}.so.1.0`]),
    libc: system === "musl" ? "ld-musl-x86_64.so.1" : roll.pick(["libc.so.6", "libc-2.31.so"]),
  };
}

/** A Python frame as this host's traceback machinery gives it. */
export function pythonFrame(host: Host, release: number, func: PyFunc, line: number): FrameFields {
  const { path, name, from, moved } = func;
  if (from === "frozen") return { ...at(`<frozen ${path}>`, name), line };
  const now = moved !== null && release >= moved.release ? moved.path : path;
  const root =
    from === "app" ? host.app(release) : from === "package" ? host.packages : host.stdlib;
  const separator = host.system === "windows" ? "\\" : "/";
  const file = host.frozen ? now : [root, ...now.split("/")].join(separator);
  return { ...at(file, name), line };
}

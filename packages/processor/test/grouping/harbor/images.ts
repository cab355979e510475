/** Images that the services run as: systems, paths, Pythons, and how well their crashes are seen. */
import type { Dice } from "../world/dice.ts";
import { frequent, weighted } from "./chance.ts";
import { odds, RELEASES, type Service, type System, type Walker } from "./probabilities.ts";
import { serviceNames } from "./program.ts";

export type Symbols = "full" | "export" | "none";

export interface Image {
  readonly id: string;
  readonly system: System;
  /** Minor versions of CPython 3: at first, and from two releases on. */
  readonly minors: readonly [number, number, number];
  readonly upgrades: readonly [number, number];
  /** Where the program lies; `%` is the release. */
  readonly root: string;
  readonly venv: string;
  /** The interpreter is a shared library. */
  readonly shared: boolean;
  readonly interpreterSymbols: Symbols;
  readonly libcSymbols: Symbols;
  readonly vendorSymbols: Symbols;
  /** The fleet's own symbols are never uploaded. */
  readonly ownNever: boolean;
  readonly inlines: boolean;
  readonly parameters: boolean;
  readonly rustHash: boolean;
  readonly mangled: boolean;
  readonly fullPath: boolean;
  readonly walker: Walker;
  /** The signal's handler raises it again. */
  readonly reraise: boolean;
  readonly maxFrames: number;
  readonly collapsed: boolean;
  /** Which of glibc's copies for processors it runs. */
  readonly processor: "evex" | "avx_unaligned" | "sse2";
  readonly newGlibc: boolean;
  readonly uvloop: boolean;
}

export type Images = Readonly<Record<Service, readonly Image[]>>;

/** What is true of a process before it crashes. */
export interface Moment {
  readonly service: Service;
  readonly image: Image;
  readonly system: System;
  readonly release: number;
  /** Minor version of CPython 3. */
  readonly minor: number;
}

/** Whose functions end a process, copy and wait: arm64 and PyInstaller's bundles have glibc's. */
export function libcOf({ system }: Moment): "win" | "musl" | "glibc" {
  return system === "win" || system === "musl" ? system : "glibc";
}

const counts: Readonly<Record<Service, number>> = {
  web: 4,
  celery: 4,
  api: 4,
  vision: 3,
  batch: 3,
  gateway: 2,
  pytest: 2,
  notebook: 2,
};

export const imagesOf = (roll: Dice): Images =>
  Object.fromEntries<readonly Image[]>(
    serviceNames.map((service) => [
      service,
      Array.from({ length: counts[service] }, (_, index) => imageOf(roll, service, index)),
    ]),
  ) as Images;

/** Windows and PyInstaller are seen at docks, in batch and on people's machines only. */
const anySystem: ReadonlySet<Service> = new Set(["vision", "batch", "notebook"]);

function systemOf(roll: Dice, service: Service, index: number): System {
  const drawn = weighted(roll, odds.system);
  if (service === "vision") return index === 1 ? "win" : index === 2 ? "pyinst" : drawn;
  const desktop = drawn === "win" || drawn === "pyinst";
  return index === 0 || (desktop && !anySystem.has(service)) ? "glibc" : drawn;
}

const roots = [
  "/app/",
  "/srv/harbor/current/",
  "/srv/harbor/releases/%/",
  "/home/deploy/harbor/",
  "/opt/harbor/",
];
const venvs = [
  "/opt/venv/",
  "/usr/local/",
  "/srv/harbor/shared/venv/",
  "/home/deploy/harbor/.venv/",
  "/opt/conda/envs/harbor/",
];

function rootOf(roll: Dice, service: Service, system: System): string {
  if (system === "win") return roll.pick(["C:\\harbor\\app\\", "D:\\apps\\harbor\\"]);
  return roll.pick(service === "pytest" ? ["/checkout/harbor/", "/src/checkout/harbor/"] : roots);
}

const NEWEST_MINOR = 14;

function imageOf(roll: Dice, service: Service, index: number): Image {
  const system = systemOf(roll, service, index);
  const first = roll.between(8, 11);
  const upgrades = [roll.between(2, 5), roll.between(6, 9)] as const;
  const second = first + roll.between(1, 2);
  const third = second + roll.between(1, 2);
  const drawn: Image = {
    id: `${service}${index}`,
    system,
    minors: [first, Math.min(NEWEST_MINOR, second), Math.min(NEWEST_MINOR, third)],
    upgrades,
    root: rootOf(roll, service, system),
    venv: system === "win" ? "C:\\harbor\\venv\\" : roll.pick(venvs),
    shared: roll.chance(odds.sharedLibrary),
    interpreterSymbols: weighted(roll, odds.interpreterSymbols),
    libcSymbols: weighted(roll, odds.libcSymbols),
    vendorSymbols: weighted(roll, odds.vendorSymbols),
    ownNever: roll.chance(odds.ownSymbolsNever),
    inlines: roll.chance(odds.inlines),
    parameters: roll.chance(odds.parameters),
    rustHash: roll.chance(odds.rustHash),
    mangled: roll.chance(odds.mangled),
    fullPath: roll.chance(odds.fullPath),
    walker: weighted(roll, odds.walker),
    reraise: roll.chance(odds.reraise),
    maxFrames: Number(weighted(roll, odds.maxFrames)),
    collapsed: roll.chance(odds.collapsed),
    processor: roll.pick(["evex", "avx_unaligned", "avx_unaligned", "sse2"] as const),
    newGlibc: roll.chance(odds.newGlibc),
    uvloop: service === "api" && roll.chance(odds.uvloop),
  };
  switch (system) {
    case "win":
      return { ...drawn, libcSymbols: "full", reraise: false, shared: true };
    case "pyinst":
      return { ...drawn, interpreterSymbols: "export", shared: true };
    case "musl":
      return { ...drawn, libcSymbols: roll.chance(odds.muslSymbols) ? "full" : "export" };
    case "glibc":
    case "aarch64":
      return drawn;
  }
}

/** A bug's next process: a service that can meet it, one of its images, one of its releases. */
export function momentOf(
  roll: Dice,
  images: Images,
  services: readonly Service[],
  [first, last]: readonly [number, number],
): Moment {
  const service = weighted(
    roll,
    Object.fromEntries(services.map((each) => [each, odds.services[each]])) as Record<
      Service,
      number
    >,
  );
  const image = frequent(roll, images[service], odds.skew.images);
  const release = roll.between(first, last);
  const upgraded = image.upgrades.filter((upgrade) => release >= upgrade).length;
  return { service, image, system: image.system, release, minor: image.minors[upgraded]! };
}

/** Most bugs come and go. */
export function lifeOf(roll: Dice): readonly [number, number] {
  if (roll.chance(odds.lifetime)) return [0, RELEASES - 1];
  const first = roll.between(0, RELEASES - 1);
  return [first, Math.min(RELEASES - 1, first + roll.between(0, 5))];
}

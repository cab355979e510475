/**
 * A fleet of hosts that runs one program with known bugs, seen through faulthandler text alone:
 * Python frames, files and names, nothing of the native stack.
 *
 * Written from how such fleets behave, not from the rules of the algorithm: releases add and drop
 * wrappers (some with names that no rule knows) and move files, packages grow and lose frames,
 * hosts differ in path, Python and system, callers vary, a lock is waited for in many ways. Some
 * bugs cannot be told from another by text (the same functions, another native call), and some
 * cannot be kept whole (their only function is called from everywhere).
 */
import { at, crash, type Death, type FrameFields } from "./stacks.ts";
import { type Dice, dice } from "./world/dice.ts";

export interface FleetCrash {
  readonly bug: string;
  readonly bugClass: BugClass;
  readonly input: ReturnType<typeof crash>;
}

export const bugClasses = [
  "native call",
  "abort",
  "fatal error",
  "waiting hang",
  "busy hang",
  "recursion",
  "finalizer",
  "import",
  "exception",
] as const;
export type BugClass = (typeof bugClasses)[number];

/** A function of the program or of a package; `moved` is where its file lies from a release on. */
interface Func {
  readonly path: string;
  readonly name: string;
  readonly from: "app" | "package" | "library";
  readonly moved: { readonly release: number; readonly path: string } | null;
}

interface Bug {
  readonly id: string;
  readonly bugClass: BugClass;
  readonly top: readonly Func[];
  readonly own: readonly Func[];
  readonly callers: readonly (readonly Func[])[];
  readonly package: readonly Func[];
  readonly wrapper: { readonly from: number; readonly until: number; readonly func: Func } | null;
  readonly death: Death;
}

const folders = "billing catalog media search orders reports accounts ml ingest geo".split(" ");
const files = "views models tasks service client pipeline thumbs invoice ranking sync rules".split(
  " ",
);
const verbs = "load parse resize charge train index merge scan render fetch apply build".split(" ");
const nouns = "image order row token model batch page tile event report cart label".split(" ");
const helpers = "get_or_create execute fetch_all read_bytes post call_api as_array decode".split(
  " ",
);
const wrappers = "wrapper inner with_span timed_call guarded _traced instrument retry".split(" ");
const packages = "numpy pandas cv2 torch lxml psycopg2 redis grpc shapely PIL".split(" ");
const waits: readonly (readonly string[])[] = [
  [],
  ["threading:acquire"],
  ["threading:__enter__"],
  ["threading:wait", "threading:wait_for"],
  ["threading:wait", "queue:get"],
  ["threading:wait", "queue:put"],
  ["threading:_wait_for_tstate_lock", "threading:join"],
  ["threading:wait", "concurrent/futures/_base:result"],
  ["selectors:select", "subprocess:_communicate", "subprocess:communicate"],
  ["subprocess:_try_wait", "subprocess:wait"],
  ["socket:readinto", "http/client:_read_status", "http/client:begin"],
  ["ssl:read", "ssl:recv_into", "socket:readinto"],
  ["multiprocessing/connection:_recv", "multiprocessing/connection:recv_bytes"],
  ["logging/__init__:acquire", "logging/__init__:handle", "logging/__init__:info"],
  ["selectors:select", "asyncio/base_events:_run_once", "asyncio/runners:run"],
  ["socket:accept"],
];
const fatals = [
  "deallocating None",
  "GC object already tracked",
  "tstate mismatch",
  "bad argument",
];

const RELEASES = 10;

function func(roll: Dice, name = `${roll.pick(verbs)}_${roll.pick(nouns)}`): Func {
  const [folder, file] = [roll.pick(folders), roll.pick(files)];
  const path = `${folder}/${file}.py`;
  if (!roll.chance(0.1)) return { path, name, from: "app", moved: null };
  const target = roll.pick([
    `core/${path}`,
    `${folder}/legacy/${file}.py`,
    `${roll.pick(folders)}/${file}.py`,
  ]);
  return { path, name, from: "app", moved: { release: roll.below(RELEASES), path: target } };
}

function packageFrames(roll: Dice): readonly Func[] {
  const name = roll.pick(packages);
  const frame = (path: string): Func => ({
    path: `${name}/${path}.py`,
    name: `${roll.pick(verbs)}_${roll.pick(nouns)}`,
    from: "package",
    moved: null,
  });
  return [frame("_core"), frame("api")].slice(0, roll.below(3));
}

const deaths: Readonly<Record<BugClass, (roll: Dice) => Death>> = {
  "native call": (roll) => ({ reason: roll.pick(["SIGSEGV", "SIGFPE", "SIGSEGV", "SIGILL"]) }),
  abort: () => ({ reason: "SIGABRT" }),
  "fatal error": (roll) => ({ kind: "fatal", reason: null, message: roll.pick(fatals) }),
  "waiting hang": () => ({ kind: "timeout", reason: null }),
  "busy hang": () => ({ kind: "timeout", reason: null }),
  recursion: () => ({ reason: "SIGSEGV" }),
  finalizer: () => ({ reason: "SIGSEGV" }),
  import: () => ({ reason: "SIGSEGV" }),
  exception: (roll) => ({ kind: "exception", reason: roll.pick(["KeyError", "ValueError"]) }),
};

function bugOf(roll: Dice, index: number, shared: readonly Func[], before: readonly Bug[]): Bug {
  const bugClass = bugClasses[index % bugClasses.length]!;
  const apart = bugClass === "native call" || bugClass === "abort" || bugClass === "exception";
  const sibling = apart && roll.chance(0.1) ? before[index - bugClasses.length] : undefined;
  const depth = bugClass === "finalizer" || bugClass === "recursion" ? 2 : 1 + roll.below(4);
  const own = sibling?.own ?? Array.from({ length: depth }, () => func(roll));
  const ways = 1 + roll.below(3);
  const start = roll.below(RELEASES);
  const wrapped = roll.chance(0.35);
  return {
    id: `bug${index}`,
    bugClass,
    top: roll.chance(0.3) ? [roll.pick(shared)] : [],
    own,
    callers: Array.from({ length: ways }, () => [func(roll), func(roll)]),
    package: packageFrames(roll),
    wrapper: wrapped
      ? {
          from: start,
          until: start + 1 + roll.below(RELEASES),
          func: func(roll, roll.pick(wrappers)),
        }
      : null,
    death: deaths[bugClass](roll),
  };
}

const library = (spec: string): Func => {
  const [path, name] = spec.split(":");
  return { path: `${path}.py`, name: name!, from: "library", moved: null };
};

/** The frames above the bug's own: what differs from one dump of it to the next. */
function leaf(roll: Dice, bug: Bug, release: number): readonly Func[] {
  const inPackage = roll.chance(release < 5 ? 0.9 : 0.7) ? bug.package : [];
  switch (bug.bugClass) {
    case "waiting hang":
      return [...roll.pick(waits).map(library), ...bug.top];
    case "busy hang":
      return roll.chance(0.5)
        ? [library(roll.pick(["json/decoder:raw_decode", "re:sub", "copy:deepcopy"]))]
        : [];
    case "recursion":
      return turnsOf(roll, bug);
    case "finalizer":
      return [...bug.own.slice(0, 1), { ...bug.own.at(-1)!, name: "__del__" }];
    case "import": {
      const body: Func = {
        path: `${bug.id}/__init__.py`,
        name: "<module>",
        from: "package",
        moved: null,
      };
      return [body, library("importlib/_bootstrap:_call_with_frames_removed")];
    }
    case "native call":
    case "abort":
    case "fatal error":
    case "exception":
      return [...inPackage, ...bug.top];
  }
}

function turnsOf(roll: Dice, bug: Bug): readonly Func[] {
  const cycle = bug.own.slice(0, 2);
  const turns = Array.from({ length: 40 + roll.below(10) }, () => cycle).flat();
  return turns.slice(roll.below(cycle.length), 100);
}

/** Where chance leads: a finalizer and an import happen below anybody. */
function base(roll: Dice, bug: Bug): readonly Func[] {
  const random = [func(roll), func(roll), func(roll)];
  if (bug.bugClass === "finalizer" || bug.bugClass === "import") return random;
  return [...bug.own, ...roll.pick(bug.callers)];
}

interface Host {
  readonly app: (release: number) => string;
  readonly package: string;
  readonly library: string;
  readonly separator: string;
}

const linux = {
  separator: "/",
  package: "/srv/venv/lib/python3.11/site-packages",
  library: "/usr/lib/python3.11",
};
const hosts: readonly Host[] = [
  { ...linux, app: () => "/app" },
  { ...linux, app: (release) => `/srv/shop/releases/2026010${release}120000` },
  { ...linux, app: (release) => `/opt/shop-1.${release}.0` },
  {
    ...linux,
    app: () => "/home/deploy/shop",
    library: "/home/deploy/.pyenv/versions/3.13.0/lib/python3.13",
  },
  {
    app: () => "C:\\shop",
    package: "C:\\Python39\\lib\\site-packages",
    library: "C:\\Python39\\lib",
    separator: "\\",
  },
];

function onHost(host: Host, release: number, { path, name, from, moved }: Func): FrameFields {
  const now = moved !== null && release >= moved.release ? moved.path : path;
  const root = from === "app" ? host.app(release) : host[from];
  return at([root, ...now.split("/")].join(host.separator), name);
}

function oneCrash(roll: Dice, bug: Bug): FleetCrash {
  const release = roll.below(RELEASES);
  const host = roll.pick(hosts);
  const { wrapper } = bug;
  const wrapped = wrapper !== null && release >= wrapper.from && release < wrapper.until;
  const [first, ...rest] = base(roll, bug);
  const middle = wrapped ? [first!, wrapper.func, ...rest] : [first!, ...rest];
  const comprehension = roll.chance(0.2) ? [{ ...first!, name: "<listcomp>" }] : [];
  const thread = ["threading:run", "threading:_bootstrap_inner", "threading:_bootstrap"].map(
    library,
  );
  const main: Func = { path: "manage.py", name: "<module>", from: "app", moved: null };
  const bottom = roll.chance(0.5) ? thread : [main];
  const stack = [...leaf(roll, bug, release), ...comprehension, ...middle, ...bottom].slice(0, 100);
  const frames = stack.map((each) => onHost(host, release, each));
  const bus = bug.death.reason === "SIGSEGV" && roll.chance(0.1) ? { reason: "SIGBUS" } : {};
  return { bug: bug.id, bugClass: bug.bugClass, input: crash(frames, { ...bug.death, ...bus }) };
}

/** `crashes` crashes of `bugs` bugs; a few bugs cause most of them (Zipf, exponent 0.9). */
export function fleet(seed: number, bugs: number, crashes: number): readonly FleetCrash[] {
  const roll = dice(seed);
  const shared = helpers.map((name) => func(roll, name));
  const all: Bug[] = [];
  for (let index = 0; index < bugs; index++) all.push(bugOf(roll, index, shared, all));
  const weights = all.map((_, index) => (index + 1) ** -0.9);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Array.from({ length: crashes }, () => {
    let left = roll.next() * total;
    const bug = all.find((_, index) => (left -= weights[index]!) <= 0) ?? all[0]!;
    return oneCrash(roll, bug);
  });
}

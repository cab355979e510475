/** One process's stack: frameworks, the way through the program, a Python layer, native frames. */
import type { Dice } from "../world/dice.ts";
import { hash, share } from "./chance.ts";
import type { Fleet } from "./fleet.ts";
import { frameworks } from "./frameworks.ts";
import type { Moment } from "./images.ts";
import type { Way } from "./interpreter.ts";
import { native } from "./native-frame.ts";
import { odds, type Service } from "./probabilities.ts";
import { type Func, wayTo } from "./program.ts";
import type { Listed } from "./program-text.ts";
import { decoratorOf, fileIn, nameIn } from "./releases.ts";
import {
  type Base,
  isNative,
  type NativeSegment,
  type PythonCall,
  type PythonSegment,
  type Segment,
  type Stack,
} from "./scene.ts";

interface Reached {
  readonly func: Func;
  /** Python code that `func` calls, outermost first. */
  readonly layer?: readonly PythonCall[];
  readonly segment?: NativeSegment | null;
  /** Which of `func`'s lines; missing: it follows from what is called there. */
  readonly site?: number;
}

/** Lines of a function that calls stand on. */
export const SITES = 30;

/** The stack of a process that is in `func`, which its service runs. */
export function stackOf(
  fleet: Fleet,
  roll: Dice,
  moment: Moment,
  { func, layer = [], segment = null, site }: Reached,
): Stack {
  const { service, release } = moment;
  const way = wayTo(roll, func, service);
  const pooled =
    roll.chance(odds.poolThread) &&
    way.length > 2 &&
    service !== "gateway" &&
    service !== "notebook";
  const from = framework(moment, pooled, way);
  const work = pooled ? way.slice(roll.between(1, Math.max(1, way.length - 2))) : way;
  const innermost = site ?? hash(layer[0]?.name ?? segment?.frames[0]?.name);
  const segments = withSites([...from, ...program(fleet, moment, work)], innermost);
  for (const [index, { file, name, site: own }] of layer.entries()) {
    const next = layer[index + 1]?.name ?? segment?.frames.at(-1)?.name ?? "z";
    segments.push({
      ...python(fileIn(file, release), name),
      site: own ?? hash(name, next) % SITES,
    });
  }
  if (segment !== null) segments.push(segment);
  return { segments, base: pooled ? "thread" : baseOf(service) };
}

export function baseOf(service: Service): Base {
  if (service === "batch" || service === "vision") return "module";
  return service === "gateway" ? "greenlet" : "main";
}

export const python = (
  file: string,
  name: string,
  way: Way | null = null,
  within = name,
): PythonSegment => ({ file, name, site: 0, way, within });

/** Every frame's line is where it calls the next one; the innermost one's is given. */
const withSites = (segments: readonly Segment[], innermost: number): Segment[] =>
  segments.map((segment, index) => {
    if (isNative(segment)) return segment;
    const next = segments[index + 1];
    const callee = isNative(next) ? next.frames[0]?.name : next?.name;
    const site = next === undefined ? innermost : hash(segment.name, callee);
    return { ...segment, site: site % SITES };
  });

function framework(moment: Moment, pooled: boolean, way: readonly Func[]): readonly Segment[] {
  const { service, image } = moment;
  const frames = pooled
    ? frameworks.pool
    : service === "web"
      ? webFramework(image.id, way)
      : frameworks[service];
  const segments: Segment[] = [];
  for (const { file, name } of frames) {
    if (image.uvloop && file.endsWith("httptools_impl.py")) {
      while (isAsyncio(segments.at(-1))) segments.pop();
      segments.push(uvloop);
    }
    segments.push(python(file, name, wayInto(service, { file, name }, segments.length === 0)));
  }
  return segments;
}

/** Middleware and workers differ from image to image. */
function webFramework(image: string, way: readonly Func[]): readonly Listed[] {
  const variant = hash(image, "mw") % 3;
  return frameworks.web
    .filter(
      ({ file, name }) =>
        !(variant === 0 && file.endsWith("deprecation.py")) &&
        !(variant === 1 && name === "view") &&
        !(name === "dispatch" && way[0]?.name === "login_view"),
    )
    .map((each) =>
      variant === 1 && each.name === "run_for_one"
        ? { file: "SP/gunicorn/workers/base.py", name: "run" }
        : each,
    );
}

function wayInto(service: Service, { file, name }: Listed, outermost: boolean): Way | null {
  if (name === "<module>" && !outermost) return "exec";
  if (file.endsWith("httptools_impl.py")) return "task";
  if (/^SP\/(starlette|fastapi)/.test(file)) return "coroutine";
  if (service === "notebook" && file.includes("kernelbase"))
    return name === "dispatch_queue" ? "task" : "coroutine";
  return null;
}

const isAsyncio = (segment: Segment | undefined): boolean =>
  segment !== undefined && !isNative(segment) && /asyncio\/(base_events|events)/.test(segment.file);

/** It stands in for asyncio's loop. */
const uvloop: NativeSegment = {
  frames: [
    native("uvloop", "__pyx_f_6uvloop_4loop_6Handle__run", 3),
    native("uvloop", "__pyx_f_6uvloop_4loop_4Loop__on_idle", 3),
    native("uvloop", "uv__run_idle", 2),
    native("uvloop", "uv_run", 3),
    native("uvloop", "__pyx_f_6uvloop_4loop_4Loop__run", 4),
    native("uvloop", "__pyx_pw_6uvloop_4loop_4Loop_44run_until_complete", 3),
  ],
  convention: "meth",
};

/** The way through the program in one release, with decorators and with what calls stand in. */
function program(fleet: Fleet, moment: Moment, way: readonly Func[]): readonly Segment[] {
  const { service, release } = moment;
  return way.flatMap((func, index) => {
    const { file, name, layer } = func;
    const decorator = layer > 0 ? decoratorOf(fleet.seed, func.id, release) : null;
    const before = way[index - 1];
    const coroutine = service === "api" && layer === 0 ? "coroutine" : null;
    const own = python(
      fileIn(file, release),
      nameIn(name, release),
      decorator !== null ? "*" : file === "CELL" ? "exec" : coroutine,
      nameIn(name, release),
    );
    if (decorator !== null) return [python(decorator.file, decorator.name), own];
    return before === undefined || before.file === "CELL"
      ? [own]
      : [...callSite(fleet, moment, before, func), own];
  });
}

/** A comprehension, a generator or a lambda of `caller` around its call of `func`. */
function callSite(
  { seed }: Fleet,
  { minor, release }: Moment,
  caller: Func,
  func: Func,
): readonly Segment[] {
  const within = (name: string, way: Way | null): readonly Segment[] => [
    python(fileIn(caller.file, release), name, way, caller.name),
  ];
  const where = share(seed, caller.id, func.id, "cs");
  if (where < odds.comprehension) return minor < 12 ? within("<listcomp>", null) : [];
  if (where < odds.comprehension + odds.generator) return within("<genexpr>", "sum");
  if (where < odds.comprehension + odds.generator + odds.lambda)
    return within("<lambda>", "sorted");
  return [];
}

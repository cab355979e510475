/** Who calls whom in the program, fixed for a seed: use cases, domain code, and what everybody uses. */
import type { Dice } from "../world/dice.ts";
import { frequent } from "./chance.ts";
import { odds, type Service } from "./probabilities.ts";
import { common, domain, entryPoints, type Listed, useCases } from "./program-text.ts";

export interface Func extends Listed {
  readonly id: string;
  /** 0: a service's entry; 1 to 3: the further, the more use it. */
  readonly layer: number;
  /** What runs it. */
  services: readonly Service[];
  /** Of a use case: its entries by service. */
  entries: Readonly<Partial<Record<Service, readonly Func[]>>>;
  callers: readonly Func[];
}

export interface Program {
  readonly useCases: readonly Func[];
  readonly domain: readonly Func[];
  readonly common: readonly Func[];
  /** All three. */
  readonly all: readonly Func[];
}

/** Which use cases' directories plausibly call those of domain and common code. */
const callersOf: readonly (readonly [string, RegExp])[] = [
  ["harbor/geo/", /pricing|shipments|telematics|search|reports/],
  ["harbor/ledger/", /billing|reports|accounts/],
  ["harbor/features/", /\/ml\/|pricing|query/],
  ["harbor/documents/", /documents|invoices|labels|edi|notify/],
  ["harbor/search/", /search|embed|ocr/],
  ["harbor/vision/", /vision/],
  ["harbor/crypto/", /accounts|notify|settlement|edi/],
  ["harbor/storage/", /\/ml\/|reports|intake|billing|indexer/],
  ["harbor/ml/", /\/ml\/|inspect|ocr|rates/],
  ["harbor/media/", /vision|intake/],
  ["harbor/shipments/", /shipments|pricing/],
  ["harbor/common/arrays", /\/ml\/|features|vision|geo|reports|rates/],
];

/** Which entries a use case's directory serves. */
const serves: Readonly<Record<string, RegExp>> = {
  pricing: /quotes|rates|lane|pricing/,
  shipments: /shipments|routing|tracking|labels|gateway\/app/,
  billing: /billing|accounts|settlement|reports/,
  documents: /documents|labels|archive/,
  search: /search|tokens|embeddings/,
  vision: /vision|documents/,
  ml: /lane|embed|rates|feature|geocode/,
  ingest: /edi|telematics|tracking|archive/,
  reports: /reports|billing|archive|feature/,
  accounts: /accounts|health|app/,
  notify: /notify|billing|app/,
};

/** Use cases that only some services have. */
const bound: readonly (readonly [string, readonly Service[]])[] = [
  ["/vision/", ["vision", "celery", "pytest"]],
  ["/ingest/", ["gateway", "celery", "pytest"]],
  ["/ml/", ["batch", "api", "notebook", "celery"]],
  ["/accounts/", ["web", "api"]],
];
const anyService: readonly Service[] = [
  "web",
  "celery",
  "api",
  "batch",
  "gateway",
  "pytest",
  "notebook",
];
/** Each use case runs in one of these at least. */
const busyServices: readonly Service[] = ["web", "celery", "api", "batch"];

export function programOf(roll: Dice): Program {
  const first = useCases.map((each) => funcOf(each, 1));
  const second = domain.map((each) => funcOf(each, 2));
  const third = common.map((each) => funcOf(each, 3));
  const entered = entriesOf();
  for (const func of first) {
    func.services = servicesOf(roll, func);
    func.entries = Object.fromEntries(
      func.services.map((service) => [service, someEntries(roll, func, entered[service])]),
    );
  }
  for (const func of second) called(roll, func, first, [1, 3]);
  for (const func of third) called(roll, func, [...first, ...second], [2, 6]);
  return { useCases: first, domain: second, common: third, all: [...first, ...second, ...third] };
}

function funcOf({ file, name }: Listed, layer: number): Func {
  return { file, name, id: `${file}:${name}`, layer, services: [], entries: {}, callers: [] };
}

const entriesOf = () =>
  Object.fromEntries<readonly Func[]>(
    Object.entries(entryPoints).map(([service, listed]) => [
      service,
      listed.map((each) => funcOf(each, 0)),
    ]),
  ) as Readonly<Record<Service, readonly Func[]>>;

function servicesOf(roll: Dice, { file }: Func): readonly Service[] {
  const drawn =
    bound.find(([part]) => file.includes(part))?.[1] ?? roll.some(roll.between(2, 4), anyService);
  return drawn.some((service) => busyServices.includes(service))
    ? drawn
    : [...drawn, roll.pick(busyServices)];
}

function someEntries(roll: Dice, { file }: Func, entries: readonly Func[]): readonly Func[] {
  const directory = file.split("/")[1]!;
  const fitting = entries.filter((entry) => serves[directory]?.test(entry.file));
  return roll.some(roll.between(1, 3), fitting.length > 0 ? fitting : entries);
}

function called(
  roll: Dice,
  func: Func,
  pool: readonly Func[],
  [low, high]: readonly [number, number],
): void {
  const pattern = callersOf.find(([directory]) => func.file.startsWith(directory))?.[1];
  const fitting = pattern === undefined ? pool : pool.filter(({ file }) => pattern.test(file));
  func.callers = roll.some(roll.between(low, high), fitting);
  func.services = servicesOfAll(func.callers);
}

export const servicesOfAll = (funcs: readonly Func[]): readonly Service[] => [
  ...new Set(funcs.flatMap(({ services }) => services)),
];

export const runBy = (service: Service, funcs: readonly Func[]): readonly Func[] =>
  funcs.filter(({ services }) => services.includes(service));

/** A way of calls to `func` within a service that runs it, outermost first. */
export function wayTo(roll: Dice, func: Func, service: Service): readonly Func[] {
  if (func.layer === 1) return [frequent(roll, func.entries[service]!, odds.skew.entries), func];
  const caller = frequent(roll, runBy(service, func.callers), odds.skew.callers);
  return [...wayTo(roll, caller, service), func];
}

/** The program's functions whose files begin with one of `paths`. */
export const functionsIn = ({ all }: Program, paths: readonly string[]): readonly Func[] =>
  all.filter(({ file }) => paths.some((path) => file.startsWith(path)));

export const serviceNames = Object.keys(odds.services) as readonly Service[];

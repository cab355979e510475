/** Waits without end: for a lock, a queue, a socket, a database, a device, the GIL. */
import type { Dice } from "../world/dice.ts";
import { enter } from "./bindings.ts";
import { drawFree, hash, share, weighted } from "./chance.ts";
import { type Fleet, objectNamed, usersOf } from "./fleet.ts";
import { libcOf, type Moment } from "./images.ts";
import { native, type NativeFrame, py } from "./native-frame.ts";
import { type NativeObject, wayIn } from "./objects.ts";
import { odds } from "./probabilities.ts";
import { type Func, functionsIn, runBy } from "./program.ts";
import { listed } from "./program-text.ts";
import { type Bug, died, type NativeSegment, type PythonCall } from "./scene.ts";
import { SITES, stackOf } from "./stack.ts";
import { futexWait, lockWait, pollWait } from "./system-frames.ts";

type Resource = keyof typeof odds.waitsFor;

interface Wait {
  readonly layer: readonly PythonCall[];
  readonly segment: NativeSegment;
}

/** Which files hold what is waited for. */
const holders = {
  dbsock: [
    "harbor/common/db",
    "harbor/ledger",
    "harbor/billing",
    "harbor/reports",
    "harbor/accounts",
    "harbor/features/store",
    "harbor/shipments/tracking",
    "harbor/search/query",
  ],
  lock: [
    "harbor/common/",
    "harbor/features/",
    "harbor/crypto",
    "harbor/vision/camera",
    "harbor/storage",
    "harbor/ml/model",
    "harbor/search/indexer",
    "harbor/pricing/rates",
  ],
  queue: [
    "harbor/common/metrics",
    "harbor/common/logging",
    "harbor/common/db",
    "harbor/vision/camera",
    "harbor/notify",
    "harbor/ingest/telematics",
    "harbor/search/indexer",
  ],
} as const;

function candidates(fleet: Fleet, resource: Resource, sdk: NativeObject): readonly Func[] {
  const { program } = fleet;
  const { domain, common } = program;
  switch (resource) {
    case "sdk":
      return usersOf(fleet, sdk);
    case "socket":
      return [
        ...common.filter(({ file }) => /http|blobs|cache/.test(file)),
        ...domain.filter(({ file }) => /blobs|geocoder/.test(file)),
      ];
    case "gil":
      return [...common, ...domain];
    case "dbsock":
    case "lock":
    case "queue":
      return functionsIn(program, holders[resource]);
  }
}

export function waitingHang(roll: Dice, fleet: Fleet, id: number): Bug {
  const { waits } = fleet.taken;
  const resource = weighted(roll, odds.waitsFor);
  const sdk = objectNamed(fleet, roll.pick(["hsm", "cam"]));
  const pool = candidates(fleet, resource, sdk);
  const home = drawFree(
    30,
    () => roll.pick(pool),
    (func) => waits.has(func),
  );
  waits.add(home);
  const places = [home, ...elsewhere(roll, fleet, home)];
  if (resource === "lock" || resource === "queue") usedWidely(roll, fleet, home);
  const { services } = home;
  const site = roll.between(0, SITES - 1);
  const wait = waitFor(fleet, resource, sdk, id);
  return {
    services,
    happen: (now, moment) => {
      const able = runBy(moment.service, places);
      const func = able.length > 1 && !now.chance(odds.waitsAtHome) ? now.pick(able) : home;
      const waiting = wait(now, moment);
      const stack = stackOf(fleet, now, moment, {
        func,
        ...waiting,
        site: func === home ? site + now.between(0, 1) : hash(func.id, id) % SITES,
      });
      return died(stack, "hang");
    },
  };
}

/** Other functions of the same file that wait for the same. */
function elsewhere(roll: Dice, { program, taken }: Fleet, home: Func): readonly Func[] {
  const { domain, common } = program;
  return [...domain, ...common]
    .filter((func) => func.file === home.file && func !== home && !taken.waits.has(func))
    .slice(0, 2)
    .filter(() => roll.chance(odds.waitsElsewhere));
}

/** What is shared is called by many: the program gets callers that it had not. */
function usedWidely(roll: Dice, { program }: Fleet, home: Func): void {
  const count = Number(weighted(roll, odds.waitCallers));
  const above = [...program.useCases, ...program.domain].filter(({ layer }) => layer < home.layer);
  const more = roll.some(Math.min(3, count >> 2), above);
  home.callers = [...new Set([...home.callers, ...more])];
  home.services = [...new Set([...home.services, ...more.flatMap(({ services }) => services)])];
}

type Waiting = (roll: Dice, moment: Moment) => Wait;

function waitFor(fleet: Fleet, resource: Resource, sdk: NativeObject, id: number): Waiting {
  switch (resource) {
    case "lock":
      return waitForLock;
    case "queue":
      return waitForQueue;
    case "socket":
      return (roll, moment) => waitForSocket(roll, moment, share(id, "tls") < odds.tls);
    case "dbsock":
      return (roll, moment) => waitForDatabase(roll, moment, objectNamed(fleet, "psycopg"));
    case "sdk":
      return (_, moment) => waitForDevice(moment, sdk, id);
    case "gil": {
      const object = objectNamed(fleet, ["geocore", "visnat", "tok"][hash(id) % 3]!);
      return (roll, moment) => waitForGil(roll, moment, object, id);
    }
  }
}

const lockSegment = (moment: Moment, acquire: string): NativeSegment => ({
  frames: [...lockWait(moment), py(acquire)],
  convention: "meth",
});

function waitForLock(roll: Dice, moment: Moment): Wait {
  const how = roll.next();
  const segment = lockSegment(moment, "lock_PyThread_acquire_lock");
  if (how < odds.lockAcquired) return { layer: [], segment };
  if (how < odds.lockAcquired + odds.lockCondition) {
    const predicate = { file: "LIB/threading.py", name: "wait_for" };
    const wait = { file: "LIB/threading.py", name: "wait", site: 4 };
    return { layer: roll.chance(odds.lockPredicate) ? [predicate, wait] : [wait], segment };
  }
  const layer = [
    { file: "harbor/common/locks.py", name: "hold", site: 6 },
    { file: "LIB/contextlib.py", name: "__enter__" },
  ];
  return {
    layer: layer.slice(roll.between(0, 1)),
    segment: lockSegment(moment, "rlock_acquire"),
  };
}

const waitForQueue: Waiting = (roll, moment) => ({
  layer: [
    { file: "LIB/queue.py", name: roll.chance(odds.queueGet) ? "get" : "put" },
    { file: "LIB/threading.py", name: "wait", site: roll.between(0, 1) },
  ],
  segment: lockSegment(moment, "lock_PyThread_acquire_lock"),
});

const request = listed(`
SP/requests/sessions.py: request send
SP/requests/adapters.py: send
`);
const answerHead = listed(`
SP/urllib3/connectionpool.py: urlopen _make_request
LIB/http/client.py: getresponse begin _read_status
LIB/socket.py: readinto
`);
const answerBody = listed(`
SP/urllib3/response.py: stream read
LIB/http/client.py: read
LIB/socket.py: readinto
`);
const connecting = listed(`
SP/urllib3/connectionpool.py: urlopen
SP/urllib3/connection.py: connect
SP/urllib3/util/connection.py: create_connection
`);
const tlsReading = listed("LIB/ssl.py: recv_into read");

function waitForSocket(roll: Dice, moment: Moment, tls: boolean): Wait {
  const how = roll.next();
  const plain = [...pollWait(moment), py("sock_call_ex")];
  if (how < odds.socketHead)
    return {
      layer: [...request, ...answerHead, ...(tls ? tlsReading : [])],
      segment: {
        frames: tls ? tlsWait(moment) : [...plain, py("sock_recv_into")],
        convention: "methfast",
      },
    };
  if (how < odds.socketHead + odds.socketConnect)
    return {
      layer: [...request, ...connecting],
      segment: { frames: plain, convention: "o" },
    };
  return {
    layer: [...request, ...answerBody],
    segment: { frames: [...plain, py("sock_recv_into")], convention: "methfast" },
  };
}

const tlsWait = ({ system }: Moment): readonly NativeFrame[] => [
  ...(system === "win" ? [] : [native("libc", "read")]),
  native("libssl", "BIO_read"),
  native("libssl", "ssl3_read_n"),
  native("libssl", "SSL_read"),
  native("ssl", "_ssl__SSLSocket_read"),
];

function waitForDatabase(roll: Dice, moment: Moment, driver: NativeObject): Wait {
  const read = roll.chance(odds.databaseRead) ? "pqReadData" : "pqsecure_read";
  const entry = roll.chance(odds.databaseExecute) ? "curs_execute" : "psyco_conn_commit";
  return enter(driver, [read, "PQgetResult", "PQexec", "pq_execute", entry], {
    frames: pollWait(moment),
  });
}

function waitForDevice(moment: Moment, sdk: NativeObject, id: number): Wait {
  const { leaves, middles, entries } = sdk;
  const lock = leaves.find((name) => /lock/i.test(name))!;
  const way = [lock, middles[hash(id, 1) % middles.length]!, entries[hash(id) % entries.length]!];
  return enter(sdk, way, { frames: mutexWait(moment) });
}

function mutexWait(moment: Moment): readonly NativeFrame[] {
  switch (libcOf(moment)) {
    case "win":
      return futexWait(moment);
    case "musl":
      return [native("libc", "__timedwait_cp"), native("libc", "pthread_mutex_lock")];
    case "glibc":
      return [native("libc", "__lll_lock_wait"), native("libc", "__GI___pthread_mutex_lock")];
  }
}

function waitForGil(roll: Dice, moment: Moment, object: NativeObject, id: number): Wait {
  const { middles } = object;
  const way = wayIn(roll, object, middles[hash(id, 2) % middles.length]!);
  const sleep =
    moment.system === "win"
      ? futexWait(moment)
      : [
          native("libc", "__futex_abstimed_wait_common64"),
          native("libc", "pthread_cond_timedwait@@GLIBC_2.3.2"),
        ];
  const taking = roll.chance(odds.gilRestore) ? "PyEval_RestoreThread" : "PyGILState_Ensure";
  return enter(object, way, { frames: [...sleep, py("take_gil"), py(taking)] });
}

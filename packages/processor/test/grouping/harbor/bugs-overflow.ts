/** Recursion without end: the innermost frames are chance, and so is where in its round it died. */
import type { Dice } from "../world/dice.ts";
import { bindingOf } from "./bindings.ts";
import { frequent, hash } from "./chance.ts";
import { type Fleet, objectNamed, someUsers } from "./fleet.ts";
import type { Moment } from "./images.ts";
import { native, type NativeFrame, py } from "./native-frame.ts";
import type { NativeObject } from "./objects.ts";
import { odds } from "./probabilities.ts";
import { runBy, servicesOfAll } from "./program.ts";
import { type Bug, died, kindOn, type NativeSegment, type PythonCall } from "./scene.ts";
import { SITES, stackOf } from "./stack.ts";
import { abortFrames, leafFrames } from "./system-frames.ts";

export const stackOverflow = (roll: Dice, fleet: Fleet, id: number): Bug =>
  roll.chance(odds.pythonRecursion) ? pythonOverflow(roll, fleet, id) : nativeOverflow(roll, fleet);

/** Files whose special methods are fit to call each other. */
const files = [
  "harbor/shipments/model.py",
  "harbor/common/proxy.py",
  "harbor/common/config.py",
  "harbor/pricing/expr.py",
  "harbor/geo/types.py",
  "harbor/reports/nodes.py",
  "harbor/shipments/rules.py",
];
/** Rounds in the order of their calls; names without a file are of the one that was drawn. */
const rounds = [
  "__getattr__ _resolve",
  "__repr__ _fields",
  "__repr__",
  "__call__ evaluate visit_node",
  "__getitem__ lookup",
  "__getitem__",
  "__eq__ _key",
  "harbor/common/tree.py:walk __call__",
  "LIB/copy.py:deepcopy LIB/copy.py:_deepcopy_dict __deepcopy__ __init__",
  "__hash__ _key",
  "__call__ harbor/common/tree.py:clone children",
];
/** How many functions a recursion is entered from. */
const entered = [1, 1, 2, 4];

/** What the interpreter was at when the stack was full. */
const innermost: readonly (readonly string[])[] = [
  [],
  [],
  ["_PyObject_Malloc"],
  ["_PyType_Lookup", "_PyObject_GenericGetAttrWithDict"],
  ["PyUnicode_FromFormat"],
  ["lookdict_unicode_nodummy", "PyDict_GetItem"],
  ["gc_alloc", "_PyObject_GC_NewVar"],
  ["_PyFunction_Vectorcall"],
  ["pymalloc_alloc", "PyObject_Malloc", "PyFloat_FromDouble"],
];

function roundOf(roll: Dice): readonly PythonCall[] {
  const own = roll.pick(files);
  return roll
    .pick(rounds)
    .split(" ")
    .map((part) => {
      const [name = "", file = own] = part.split(":").toReversed();
      return { file, name, site: hash(file, name, "rec") % SITES };
    });
}

function pythonOverflow(roll: Dice, fleet: Fleet, id: number): Bug {
  const round = roundOf(roll);
  const callers = roll.some(roll.pick(entered), fleet.program.all);
  return {
    services: servicesOfAll(callers),
    happen: (now, moment) => {
      const depth = now.between(130, 180);
      const layer = turns(round, 0, depth - now.between(0, round.length - 1));
      const fatal = moment.minor === 8 && hash(id) % 3 === 0;
      const frames = fatal
        ? [
            ...abortFrames(moment),
            ...["fatal_error", "_Py_FatalErrorFunc", "_Py_CheckRecursiveCall"].map(py),
          ]
        : now.pick(innermost).map(py);
      const segment: NativeSegment | null =
        frames.length > 0 ? { frames, convention: "direct" } : null;
      const func = frequent(now, runBy(moment.service, callers), odds.skew.recursion);
      const stack = stackOf(fleet, now, moment, { func, layer, segment });
      return fatal
        ? died(stack, kindOn(moment, "SIGABRT"), {
            message: "Cannot recover from stack overflow.",
            fatal,
          })
        : died(stack, kindOn(moment, "stack overflow"));
    },
  };
}

/** `count` steps round `round`, from `first` on. */
const turns = <Step>(round: readonly Step[], first: number, count: number): readonly Step[] =>
  Array.from({ length: count }, (_, index) => round[(first + index) % round.length]!);

const nativeRounds: readonly (readonly [string, ...string[]])[] = [
  ["etree", "xmlParseElementStart", "xmlParseContentInternal", "xmlParseElement"],
  ["etree", "xmlXPathCompOpEval"],
  ["etree", "xmlSchemaValidateOneElement", "xmlSchemaVStart"],
  [
    "orjson",
    "orjson::serialize::serializer::serialize",
    "<orjson::serialize::per_type::dict::Dict as serde::ser::Serialize>::serialize",
  ],
  [
    "geocore",
    "hgeo::RTree<hgeo::Box>::split_node(hgeo::RTree<hgeo::Box>::Node*)",
    "hgeo::RTree<hgeo::Box>::insert(hgeo::Box const&, unsigned int)",
  ],
  ["geocore", "hgeo::detail::merge_edges(hgeo::EdgeList&, double)"],
  ["ledger", "account_tree_rebalance", "account_tree_rotate"],
  ["visnat", "hv::EdgeMap::trace(hv::Point)"],
  ["tok", "harbor_tok::trie::Builder::freeze", "harbor_tok::trie::Builder::freeze_child"],
  [
    "cam",
    "arc::GenApi::NodeMap::Find(char const*)",
    "arc::GenApi::NodeMap::Parse(char const*)",
    "arc::GenApi::Node::Evaluate()",
  ],
];

function nativeOverflow(roll: Dice, fleet: Fleet): Bug {
  const [key, ...names] = roll.pick(nativeRounds);
  const object = objectNamed(fleet, key);
  const round = names.map((name) => native(key, name, 11));
  const entry = roll.pick(object.entries);
  const callers = someUsers(roll, fleet, object, roll.pick(entered));
  return {
    services: servicesOfAll(callers),
    happen: (now, moment) => {
      const { segment, layer } = bindingOf(object, entry);
      const depth = now.between(140, 190);
      const block = turns(round, now.between(0, round.length - 1), depth);
      const frames = [...topOf(now, moment, object), ...block, ...segment.frames];
      const func = frequent(now, runBy(moment.service, callers), odds.skew.recursion);
      const stack = stackOf(fleet, now, moment, {
        func,
        layer,
        segment: { ...segment, frames },
      });
      return died(stack, kindOn(moment, "stack overflow"));
    },
  };
}

function topOf(roll: Dice, moment: Moment, { key, leaves }: NativeObject): readonly NativeFrame[] {
  const { system } = moment;
  const helpers = [3, 5].map((site) => [native(key, roll.pick(leaves), site)]);
  const allocation =
    system === "musl"
      ? ["alloc_slot", "__libc_malloc_impl"]
      : ["_int_malloc", "__GI___libc_malloc"];
  const top = roll.pick([
    [],
    [],
    leafFrames(moment, "memcpy"),
    allocation.map((name) => native("libc", name)),
    ...helpers,
  ]);
  return system === "win" && top[0]?.object === "libc" ? [] : top;
}

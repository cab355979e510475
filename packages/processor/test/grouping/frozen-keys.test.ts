/**
 * Keys of released algorithms, written down. A failure here means that every open group would be
 * split: take the change back, or append an algorithm.
 */
import { expect, test } from "vitest";
import { type GroupInput, groupings, groupReport } from "../../src/grouping/index.ts";
import { app, at, crash, hang, installed, mainBase, native, stdlib, threadBase } from "./stacks.ts";

const make = app("media/thumbs.py", "make_thumb");
const store = app("media/upload.py", "store");
const visit = app("shop/tree.py", "visit");

const inputs: Readonly<Record<string, GroupInput>> = {
  segfault: crash([installed("cv2/api.py", "resize"), make, store, ...mainBase]),
  helper: crash([app("media/image.py", "__init__"), make, store, ...threadBase]),
  package: crash([installed("yaml/parser.py", "parse_node"), store]),
  foreign: crash([
    installed("yaml/parser.py", "parse_node"),
    installed("yaml/__init__.py", "load"),
  ]),
  hang: hang([stdlib("threading.py", "wait"), stdlib("queue.py", "get"), make, store]),
  fatal: crash([make, store], { kind: "fatal", reason: null, message: "f: deallocating None" }),
  assertion: crash([make, store], {
    reason: "SIGABRT",
    message: "a.c:3: f: Assertion `n < 16' failed.",
  }),
  exception: crash([make, store], { kind: "exception", reason: "builtins.KeyError" }),
  overflow: crash([...Array.from({ length: 12 }, () => [visit, make]).flat(), store]),
  heap: crash([make, store], { reason: "SIGABRT", message: "free(): invalid pointer" }),
  collector: crash([make, store], { garbageCollecting: true }),
  import: crash([
    app("shop/plugin.py", "<module>"),
    at("<frozen importlib._bootstrap>", "_load"),
    make,
  ]),
  skipped: crash(threadBase),
  runtime: crash([native("libc.so.6", "memcpy")]),
  empty: crash([], { reason: "SIGABRT", message: "Aborted" }),
};

/** Name of the input, mode, coarse, mid, fine, link. */
const keys = [
  [
    "segfault",
    "python",
    "0a6d25180d2569e87f5661fb3af1ca46",
    "18a0fd9c79de3ddabb232b8184d2c36c",
    "18c01d64ed7bb7810e998eea8f66569d",
    "2437c153cf11dcdcfa24530cda2ed58f",
  ],
  [
    "helper",
    "python",
    "0a6d25180d2569e87f5661fb3af1ca46",
    "27456dbf22952e93b035607032902b7b",
    "197129c20f7589f190cac8adb40ac4ee",
    "98d23f0cdf33bcc16f2b97788a9d33b5",
  ],
  [
    "package",
    "python",
    "d703bb15a700884e9400b813b2949948",
    "322e4a11bc3ee15795bcefe1c2ec3131",
    "49a915667e0f91b302776ce07aea015e",
    "95eae85a649e567b4a1d0f3baba1164c",
  ],
  [
    "foreign",
    "python",
    "4bf204d807e994d292d775f47814cf25",
    "bee4a76f131fb5fd8aa2b141fa0e6063",
    "22b9fda6d74ed19100ad50197c0c5076",
    "8b08bdfed85ce5e73b4a67a5843daf70",
  ],
  [
    "hang",
    "python",
    "85aa722d4fffd23c7f5d754f0aed3092",
    "9d04857f520a7cd95264cf8fac2edcf2",
    "2a46ff4cbc6b31142a9da5de656f1c67",
    "a6d6c76f7db0ce9d9cc50b2977f0b173",
  ],
  [
    "fatal",
    "python",
    "4dd2a43b464a4e8acd102572011b241e",
    "b1126178b03ab1f44ab43d69c8f4c0ea",
    "39c1e80acbd397f906a6443bcc9d6978",
    "fcc60c53654384531444550077f4398e",
  ],
  [
    "assertion",
    "python",
    "4dd2a43b464a4e8acd102572011b241e",
    "263d77394a116becf17b42219459b8d4",
    "0aff12e7c464ff99959e1424bf98ac10",
    "fcc60c53654384531444550077f4398e",
  ],
  [
    "exception",
    "python",
    "89064da03e1729108dd61e2704c0cdf1",
    "b3721ad4461b88d8c064955701a02829",
    "90ae155868cd689d4d32736117a6b995",
    "1bc51acc442c8680a5a74cd9f416fa2f",
  ],
  [
    "overflow",
    "overflow",
    "a6eaaa5a00a67caea6616172c7e037e1",
    "373e1d8aeb0c87abf92dec796438191e",
    "d72bf01e584783c0874f44e600e1d20d",
    "4b7803c413ebd50d48b3586d94c6795d",
  ],
  [
    "heap",
    "victim",
    "19b3cce0a0f364bd3270e80437f4b3a3",
    "ebab169acbf55b7cac3175f5c60e6030",
    "26eb81a1a3d46a5b2ce9b6353ec5de44",
    "fcc60c53654384531444550077f4398e",
  ],
  [
    "collector",
    "victim",
    "fb11704dfcbee573057d57ed29059157",
    "77fbafe0c9620bc0d26dbd9ba55371e1",
    "6d9873ccc7486ffe4699d6d6518c6915",
    "2437c153cf11dcdcfa24530cda2ed58f",
  ],
  [
    "import",
    "python",
    "8c046be80539149e372ec2e4ffb156a8",
    "a97f0e91c0de640f2e6e82d769d13894",
    "3ff2801862bed83a734fdcf57fc812af",
    "aa986b6539a2e5c094fe7bb85aff3f30",
  ],
  [
    "skipped",
    "skipped",
    "62f248eecf853953465e31da5596be00",
    "0b24a52b51b58d86b442c32aeb4f0e5a",
    "8db503f8c4d822e8a1fea01272729d9a",
    "ddc5a6aeae5ce637b3f7a75f9d10dc27",
  ],
  [
    "runtime",
    "runtime",
    "9c93fcc55927fb32bd8ed0e0a402847e",
    "47092e85f256df9e8fa9d709068d1589",
    "6bbb8f729beb8d03435d6075af47cb96",
    null,
  ],
  [
    "empty",
    "empty",
    "0199406fe8aa4fe2652253ac34df19c2",
    "04a07ddb6db3ddc516cfe4c9033684d4",
    "f0427f79433d8564f92a4e1c436fb190",
    null,
  ],
] as const;

const [cg1] = groupings;

test("cg1", () => {
  const found = Object.entries(inputs).map(([name, input]) => {
    const { mode, coarse, mid, fine, link } = groupReport(input, cg1);
    return [name, mode, coarse, mid, fine, link];
  });
  expect(found).toEqual(keys);
});

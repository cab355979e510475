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
  runtime: crash([native("libc.so.6", "getenv")]),
  native: crash([
    native("libc.so.6", "memcpy"),
    native("cv2.abi3.so", "cv::Mat<int>::at(int)"),
    make,
  ]),
  unnamed: crash([native("cv2.abi3.so", "PyInit_cv2"), make, store]),
  mechanism: crash([
    native("libacme.so.4", "send"),
    native("libffi.so.8", "ffi_call"),
    make,
    store,
  ]),
  build: crash([native("libblas.so.3", "dot_kernel"), make], { reason: "SIGILL" }),
  parser: crash([...Array.from({ length: 9 }, () => native("xml.so", "parse")), make]),
  lock: hang([
    native("libc.so.6", "__futex_abstimed_wait_common"),
    native("libpython3.12.so", "_PyEval_EvalFrameDefault"),
  ]),
  empty: crash([], { reason: "SIGABRT", message: "Aborted" }),
};

/** Name of the input, mode, then coarse, mid, fine and link. */
const keys = [
  [
    "segfault",
    "python",
    "0a6d25180d2569e87f5661fb3af1ca46 10c75fdf93c60149e13b7d9cdd581731",
    "620db9c8ada5707b49989826d0bfe3a4 2437c153cf11dcdcfa24530cda2ed58f",
  ],
  [
    "helper",
    "python",
    "0a6d25180d2569e87f5661fb3af1ca46 acaca9120fd9bd76d535a0175bf43252",
    "0bb08bd1b9b24a0d69455043272a1583 98d23f0cdf33bcc16f2b97788a9d33b5",
  ],
  [
    "package",
    "python",
    "d703bb15a700884e9400b813b2949948 c9488902c57237b0e3a11e32524dc0b8",
    "0515f1d7168343d8feeb4a4e45d5a016 95eae85a649e567b4a1d0f3baba1164c",
  ],
  [
    "foreign",
    "python",
    "4bf204d807e994d292d775f47814cf25 82dfc4e40489a96b48ac51a655f341ee",
    "3dc0c06235c1dd6bd77cd039c4df6987 8b08bdfed85ce5e73b4a67a5843daf70",
  ],
  [
    "hang",
    "python",
    "85aa722d4fffd23c7f5d754f0aed3092 9a6b976563138541ff9995593ecf1ea8",
    "ad33ec7613f01c2b8d700bdd1267ef36 a6d6c76f7db0ce9d9cc50b2977f0b173",
  ],
  [
    "fatal",
    "python",
    "4dd2a43b464a4e8acd102572011b241e 45dce23cec003e299ae1f8564823c500",
    "675df46c7b82a46028986aefc47c78c1 fcc60c53654384531444550077f4398e",
  ],
  [
    "assertion",
    "python",
    "4dd2a43b464a4e8acd102572011b241e 3e9e0fe770ce3f85d05edfb5809989e5",
    "04b7ac47a5c1bd217be5a0e57ab834de fcc60c53654384531444550077f4398e",
  ],
  [
    "exception",
    "python",
    "89064da03e1729108dd61e2704c0cdf1 7086e48655c4b149c09bdd9f4f21ae6a",
    "5fd92b9d8214e341d7679103e864c939 1bc51acc442c8680a5a74cd9f416fa2f",
  ],
  [
    "overflow",
    "overflow",
    "a6eaaa5a00a67caea6616172c7e037e1 373e1d8aeb0c87abf92dec796438191e",
    "d72bf01e584783c0874f44e600e1d20d 4b7803c413ebd50d48b3586d94c6795d",
  ],
  [
    "heap",
    "victim",
    "19b3cce0a0f364bd3270e80437f4b3a3 ebab169acbf55b7cac3175f5c60e6030",
    "26eb81a1a3d46a5b2ce9b6353ec5de44 fcc60c53654384531444550077f4398e",
  ],
  [
    "collector",
    "victim",
    "fb11704dfcbee573057d57ed29059157 699fef3753ff7bc23975e545f7b7d758",
    "ef5137d307423d7dc78299e21ee2ad41 2437c153cf11dcdcfa24530cda2ed58f",
  ],
  [
    "import",
    "python",
    "8c046be80539149e372ec2e4ffb156a8 bf5386c4c386cba8adebbdbe55d69ace",
    "6f8b8a140dbdf147d09465210960d2ef aa986b6539a2e5c094fe7bb85aff3f30",
  ],
  [
    "skipped",
    "skipped",
    "62f248eecf853953465e31da5596be00 b34ffe3e121d20c6ff67d356497c94e5",
    "6a405863eb16da8b3f405bdd074a90d8 ddc5a6aeae5ce637b3f7a75f9d10dc27",
  ],
  [
    "runtime",
    "runtime",
    "fb1da69af950d92de043e354d7894f07 aa7a1be8cf4c2addd7e8e272bb07e087",
    "085660593f99c393eb8ecab4f932c815 null",
  ],
  [
    "native",
    "native",
    "3355d29de7b2a7f8d1766ef331c06105 df0bd20057070435404fd5d9f8ae18fd",
    "607305522e9486512b1935af9839cecf c6f2fa7fe7f4486e02111c851f5d6416",
  ],
  [
    "unnamed",
    "native",
    "3355d29de7b2a7f8d1766ef331c06105 5be5104c46a25b4c37598d0027ac46b4",
    "56dae470a1a75bc4cbff85b58e09ae3b 2437c153cf11dcdcfa24530cda2ed58f",
  ],
  [
    "mechanism",
    "python",
    "0a6d25180d2569e87f5661fb3af1ca46 10c75fdf93c60149e13b7d9cdd581731",
    "aedfcce67a71c5b71ff896bb52904855 2437c153cf11dcdcfa24530cda2ed58f",
  ],
  [
    "build",
    "native",
    "d143c0c80ef2355a8c8f8cb9c319f843 9c94489585f11f8340ff04a9758252a6",
    "cb898f76c9c5c2e0818d8b35433a153d 3fa36324511b724301b896db5a6c3ae4",
  ],
  [
    "parser",
    "overflow",
    "78b6a9278884221029b5ae133629a7ef 5b77312ee2645de8b13725bd4a42ee7a",
    "1939aa7eaaf47eff69e1b12abd9581fc c6f2fa7fe7f4486e02111c851f5d6416",
  ],
  [
    "lock",
    "skipped",
    "a9151dae43619b41b20bd5651316cc07 d6a53795db28d63a301d626c2e7d72ce",
    "0d8b2bed903f8eb94319ee78393f6daa null",
  ],
  [
    "empty",
    "empty",
    "0199406fe8aa4fe2652253ac34df19c2 b205c033b49d276100f4859a38b911cd",
    "934aed491eaf372b2f6baad378ac4cc4 null",
  ],
] as const;

const [cg1] = groupings;

test("cg1", () => {
  const found = Object.entries(inputs).map(([name, input]) => {
    const { mode, coarse, mid, fine, link } = groupReport(input, cg1);
    return [name, mode, `${coarse} ${mid}`, `${fine} ${link}`];
  });
  expect(found).toEqual(keys);
});

import { expect, test } from "vitest";
import {
  commonSuffix,
  inAppByPath,
  moduleByPath,
  moduleInRelease,
  sourcePath,
} from "../src/python/paths.ts";

test.each([
  ["/srv/app/jobs.py", "app", null],
  ["/usr/lib/python3.12/json/decoder.py", "stdlib", "json.decoder"],
  ["/opt/py/lib/python3.13t/asyncio/__init__.py", "stdlib", "asyncio"],
  ["/usr/lib64/python3.9/threading.py", "stdlib", "threading"],
  ["/usr/lib/python312.zip/json/decoder.py", "stdlib", "json.decoder"],
  ["/venv/lib/python3.12/site-packages/requests/api.py", "site-packages", "requests.api"],
  ["/usr/lib/python3/dist-packages/apt/cache.py", "site-packages", "apt.cache"],
  ["/srv/eggs/shop-1.0-py3.8.egg/shop/cart.py", "site-packages", "shop.cart"],
  ["/srv/app/bundle.pyz/shop/__main__.py", "app", "shop.__main__"],
  ["C:\\Python312\\Lib\\json\\decoder.py", "stdlib", "json.decoder"],
  ["C:\\Users\\x\\miniconda3\\envs\\shop\\Lib\\queue.py", "stdlib", "queue"],
  ["C:\\Python312\\Lib\\site-packages\\numpy\\core.py", "site-packages", "numpy.core"],
  ["C:\\app\\Lib\\shop.py", "app", null],
  ["<frozen importlib._bootstrap>", "frozen", "importlib._bootstrap"],
  ["<frozen not a module!>", "frozen", null],
  ["<string>", "synthetic", null],
  ["/venv/lib/python3.12/site-packages/a-b/c.py", "site-packages", null],
  ["", "app", null],
])("%s is %s, module %s", (text, origin, module) => {
  const path = sourcePath(text);
  expect(path.origin).toBe(origin);
  expect(moduleByPath(path)).toBe(module);
});

test.each([
  ["app/jobs.py", "app.jobs"],
  ["app/__init__.py", "app"],
  ["__init__.py", "__init__"],
  ["src/app/jobs.py", "app.jobs"],
  ["src.py", "src"],
  ["shop-1.4.2/app/jobs.py", "app.jobs"],
  ["lib/python3.12/site-packages/app/jobs.py", "app.jobs"],
  ["app/größe.py", "app.größe"],
  ["run-server.py", null],
])("an upload's %s is module %s", (text, module) => {
  expect(moduleInRelease(sourcePath(text))).toBe(module);
});

test.each([
  ["/srv/app/jobs.py", true],
  ["<string>", true],
  ["<stdin>", true],
  ["<ipython-input-3-abc>", true],
  ["<attrs generated init shop.Cart>", null],
  ["<frozen runpy>", false],
  ["/usr/lib/python3.12/queue.py", false],
])("%s in the application: %s", (text, inApp) => {
  expect(inAppByPath(sourcePath(text))).toBe(inApp);
});

test.each([
  ["/srv/app/jobs.py", "app/jobs.py", 2],
  ["/srv/app/jobs.py", "/build/app/jobs.py", 2],
  ["/srv/app/jobs.py", "app/JOBS.py", 0],
  ["C:\\App\\Jobs.py", "app/jobs.py", 2],
  ["./app/jobs.py", "app/jobs.py", 2],
  ["/srv/xapp/jobs.py", "app/jobs.py", 1],
])("%s and %s share %i components", (left, right, count) => {
  expect(commonSuffix(sourcePath(left), sourcePath(right))).toBe(count);
});

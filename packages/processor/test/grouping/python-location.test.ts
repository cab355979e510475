import { expect, test } from "vitest";
import { locate } from "../../src/grouping/python-location.ts";

const paths: readonly (readonly [string, string, string])[] = [
  // Programs: two components, fewer where a directory of the deployment comes earlier.
  ["/srv/app/media/thumbs.py", "app", "media.thumbs"],
  ["/home/ann/shop/media/thumbs.py", "app", "media.thumbs"],
  ["/srv/app/releases/20260606120005/media/thumbs.py", "app", "media.thumbs"],
  ["/builds/e50bcb4/src/media/thumbs.py", "app", "media.thumbs"],
  ["/opt/shop-1.4.2/lib/media/image/thumbs.py", "app", "image.thumbs"],
  ["C:\\Users\\Ann Lee\\shop\\media\\thumbs.py", "app", "media.thumbs"],
  ["D:\\a\\shop\\src\\media\\thumbs.py", "app", "media.thumbs"],
  ["\\\\?\\C:\\shop\\media\\thumbs.py", "app", "media.thumbs"],
  ["media/thumbs.py", "app", "media.thumbs"],
  ["./media/thumbs.py", "app", "media.thumbs"],
  ["../../yaml_fuzzer.py", "app", "yaml_fuzzer"],
  // Modules at the root of a deployment.
  ["/app/worker.py", "app", "worker"],
  ["/srv/shop/worker.py", "app", "worker"],
  ["/home/ann/shop/worker.py", "app", "worker"],
  ["/usr/src/app/worker.py", "app", "worker"],
  ["/var/www/shop/worker.py", "app", "worker"],
  ["/var/task/worker.py", "app", "worker"],
  ["/code/worker.py", "app", "worker"],
  ["/data/jobs/v1.4/worker.py", "app", "worker"],
  ["/srv/x/4a7d1ed414474e4033ac29ccb8653d9b/worker.py", "app", "worker"],
  ["/tmp/tmpk2j3h4_x/worker.py", "app", "worker"],
  ["C:\\shop\\worker.py", "app", "worker"],
  ["/nix/store/0c0ffee-shop/worker.py", "app", "worker"],
  // A hash holds a digit; a word of the letters a to f does not.
  ["/srv/x/y/facaded/worker.py", "app", "facaded.worker"],
  // Packages and their bodies.
  ["/srv/app/media/__init__.py", "app", "media"],
  ["/srv/app/shop/media/__init__.py", "app", "shop.media"],
  ["/srv/app/shop/media.py", "app", "shop.media"],
  ["/srv/app/media/thumbs.pyc", "app", "media.thumbs"],
  ["/srv/app/shop.pyz/media/thumbs.py", "app", "media.thumbs"],
  ["/srv/app/shop.zip/thumbs.py", "app", "thumbs"],
  // Installed beside the program.
  ["/srv/venv/lib/python3.11/site-packages/cv2/api.py", "package", "cv2.api"],
  ["/usr/lib/python3/dist-packages/numpy/core/__init__.py", "package", "numpy.core"],
  ["C:\\Python39\\lib\\site-packages\\cv2\\api.py", "package", "cv2.api"],
  ["/usr/lib/python3.8/site-packages/foo-1.2-py3.8.egg/foo/bar.py", "package", "foo.bar"],
  ["/srv/eggs/foo-1.2-py3.8.egg/foo/bar.py", "package", "foo.bar"],
  ["/srv/shop/__pypackages__/3.11/lib/foo/bar.py", "package", "foo.bar"],
  ["/x/app.runfiles/deps_foo/site-packages/foo/bar.py", "package", "foo.bar"],
  // The standard library, wherever it lies.
  ["/usr/lib/python3.11/json/decoder.py", "stdlib", "json.decoder"],
  ["/usr/local/lib/python3.13t/json/__init__.py", "stdlib", "json"],
  ["/usr/lib64/python3.6/queue.py", "stdlib", "queue"],
  ["/opt/pypy/lib/pypy3.9/queue.py", "stdlib", "queue"],
  ["/opt/pypy/lib-python/3/queue.py", "stdlib", "queue"],
  ["/Library/Frameworks/Python.framework/Versions/3.11/lib/python3.11/ssl.py", "stdlib", "ssl"],
  ["C:\\Python39\\lib\\queue.py", "stdlib", "queue"],
  [
    "C:\\Users\\a\\AppData\\Local\\Programs\\Python\\Python311\\Lib\\asyncio\\runners.py",
    "stdlib",
    "asyncio.runners",
  ],
  ["C:\\app\\python311.zip\\json\\decoder.pyc", "stdlib", "json.decoder"],
  ["/usr/lib/python311.zip/json/decoder.py", "stdlib", "json.decoder"],
  ["/home/ann/cpython/Lib/queue.py", "stdlib", "queue"],
  ["concurrent\\futures\\thread.py", "stdlib", "concurrent.futures.thread"],
  ["threading.py", "stdlib", "threading"],
  ["<embedded stdlib>/tarfile.py", "stdlib", "tarfile"],
  ["<frozen importlib._bootstrap>", "stdlib", "importlib._bootstrap"],
  ["<frozen zipimport>", "stdlib", "zipimport"],
  ["<frozen shop.media.thumbs>", "app", "media.thumbs"],
  // A program's own `lib/queue.py` is no standard library.
  ["/srv/shop/lib/queue.py", "app", "lib.queue"],
  // Code without a file.
  ["<string>", "generated", "<string>"],
  ["<stdin>", "generated", "<stdin>"],
  ["<ipython-input-3-9f86d081884c>", "generated", "<notebook-cell>"],
  ["/tmp/ipykernel_4711/2139284.py", "generated", "<notebook-cell>"],
  [
    "C:\\Users\\a\\AppData\\Local\\Temp\\ipykernel_4711\\2139284.py",
    "generated",
    "<notebook-cell>",
  ],
  ["<decorator-gen-112>", "generated", "<decorator-gen>"],
  [
    "<attrs generated init shop.media.Image>",
    "generated",
    "<attrs generated init shop.media.Image>",
  ],
  ["<lambdifygenerated-3>", "generated", "<lambdifygenerated>"],
  ["<decade>", "generated", "<decade>"],
  ["", "app", "?"],
  ["/", "app", "?"],
];

test.each(paths)("%s is %s code, module %s", (file, origin, module) => {
  expect(locate(file, null)).toEqual({ origin, module });
});

test("a module's name given with the file wins over the path, its origin does not", () => {
  expect(locate("/srv/app/x/jobs.py", "shop.media.jobs")).toEqual({
    origin: "app",
    module: "media.jobs",
  });
  expect(locate("/v/lib/python3.9/site-packages/cv2/__init__.py", "cv2")).toEqual({
    origin: "package",
    module: "cv2",
  });
});

test("a module is the same whether its path or its name is known", () => {
  for (const [path, module] of [
    ["/srv/app/shop/media/thumbs.py", "shop.media.thumbs"],
    ["/srv/app/jobs.py", "app.jobs"],
    ["/srv/app/src/media/__init__.py", "src.media"],
  ] as const) {
    expect(locate(null, module).module).toBe(locate(path, null).module);
  }
});

test("a name without a file is the standard library's when its top is", () => {
  expect(locate(null, "json.decoder")).toEqual({ origin: "stdlib", module: "json.decoder" });
  expect(locate(null, "media.thumbs")).toEqual({ origin: "app", module: "media.thumbs" });
  expect(locate(null, null)).toEqual({ origin: "app", module: "?" });
});

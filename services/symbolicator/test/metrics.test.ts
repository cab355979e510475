import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { serveMetrics } from "../src/index.ts";
import { createMetrics } from "../src/metrics.ts";

test("README.md lists exactly the metrics there are", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const documented = readme.match(/faultline_symbolicator_\w+/g) ?? [];
  const { registry } = createMetrics();
  expect(documented.toSorted()).toEqual(
    registry
      .getMetricsAsArray()
      .map(({ name }) => name)
      .toSorted(),
  );
});

test("a worker that runs alone answers /metrics and /livez, and nothing else", async () => {
  const { registry, swept } = createMetrics();
  swept.inc(3);
  const server = await serveMetrics(registry, "127.0.0.1", 0);
  const url = `http://127.0.0.1:${server.port}`;
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toContain("faultline_symbolicator_swept_total 3");
  expect(metrics).toContain("process_resident_memory_bytes");
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  expect((await fetch(`${url}/`)).status).toBe(404);
  expect((await fetch(`${url}/metrics`, { method: "POST" })).status).toBe(404);
  await server.close();
});

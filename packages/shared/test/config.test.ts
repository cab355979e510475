import { expect, test } from "vitest";
import { ConfigError, readConfig } from "../src/index.ts";

const least = { DATABASE_URL: "postgres://localhost/faultline" };

test("a database is all that must be named", () => {
  const config = readConfig(least);
  expect(config).toMatchObject({
    databaseUrl: least.DATABASE_URL,
    redisUrl: null,
    port: 8080,
    url: null,
  });
});

test("what is wrong is named, with what was wanted and what was found", () => {
  expect(() => readConfig({})).toThrow(/^DATABASE_URL is not set/);
  expect(() => readConfig({ ...least, PORT: "http" })).toThrow(
    'PORT is "http": wanted a whole number from 0 to 65535',
  );
  expect(() => readConfig({ ...least, FAULTLINE_RETENTION_DAYS: "0" })).toThrow(ConfigError);
});

test("minidumps are kept no longer than their crashes, and without the environment", () => {
  expect(readConfig(least)).toMatchObject({ rawRetentionDays: 30, keepEnvironment: false });
  const short = { ...least, FAULTLINE_RETENTION_DAYS: "7", FAULTLINE_KEEP_ENVIRONMENT: "1" };
  expect(readConfig(short)).toMatchObject({ rawRetentionDays: 7, keepEnvironment: true });
  expect(() => readConfig({ ...least, FAULTLINE_KEEP_ENVIRONMENT: "yes" })).toThrow(
    'FAULTLINE_KEEP_ENVIRONMENT is "yes": wanted 0 or 1',
  );
});

test("an empty variable counts as unset", () => {
  expect(readConfig({ ...least, PORT: "", REDIS_URL: "" })).toMatchObject({
    port: 8080,
    redisUrl: null,
  });
});

test("the public URL loses its trailing slashes", () => {
  expect(readConfig({ ...least, FAULTLINE_URL: "https://crash.example//" }).url).toBe(
    "https://crash.example",
  );
});

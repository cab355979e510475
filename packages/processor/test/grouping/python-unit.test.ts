import { expect, test } from "vitest";
import { unitOf } from "../../src/grouping/python-unit.ts";

test.each([
  ["media.store:load", "media.store:load"],
  ["media.store:_load", "media.store:load"],
  ["media.store:__load", "media.store:load"],
  ["media.store:_do_load", "media.store:load"],
  ["media.store:do_load", "media.store:load"],
  ["media.store:load_inner", "media.store:load"],
  ["media.store:_load_once", "media.store:load"],
  ["media.store:load_v2", "media.store:load"],
  ["media.store:_inner_load_locked", "media.store:load"],
  // names of their own
  ["media.store:__init__", "media.store:__init__"],
  ["media.store:<lambda>", "media.store:<lambda>"],
  ["media.store:domain", "media.store:domain"],
  ["media.store:inner", "media.store:inner"],
  ["media.store:do", "media.store:do"],
  ["media.store:_", "media.store:_"],
  ["media.store:load2", "media.store:load2"],
])("%s is a part of %s", (token, unit) => {
  expect(unitOf(token)).toBe(unit);
});

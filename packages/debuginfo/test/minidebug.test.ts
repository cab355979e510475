import { expect, test } from "vitest";
import { packedMiniDebugInfo } from "../src/index.ts";
import { elfOf, fixture } from "./fixture.ts";

test("the packed MiniDebugInfo is handed out as it is stored: xz", () => {
  const packed = packedMiniDebugInfo(elfOf(fixture("shapes-minidebug.so")));
  expect(Buffer.from(packed ?? []).subarray(0, 6)).toEqual(Buffer.from("\xfd7zXZ\0", "latin1"));
  expect(packedMiniDebugInfo(elfOf(fixture("shapes-stripped.so")))).toBeNull();
});

import { expect, test } from "vitest";
import { FunctionSymbols } from "../src/cache/function-symbols.ts";

const symbols = new FunctionSymbols(
  [
    { address: 0x10, size: 8, name: "raise" },
    { address: 0x20, size: 8, name: "msort.part.0" },
    { address: 0x30, size: 8, name: "_ZL4hidev" },
    { address: 0x40, size: 8, name: "_ZN1C3runEv.cold" },
  ],
  (name) => (name.startsWith("_Z") ? `shown ${name}` : name),
);

test("of several symbols the debug information's name", () => {
  expect(symbols.linkageNameAt(0x10, "raise", "__GI_raise")).toBe("__GI_raise");
  expect(symbols.linkageNameAt(0x10, "gsignal", null)).toBeNull();
});

test("what the compiler made of a function is kept", () => {
  expect(symbols.linkageNameAt(0x20, "msort", null)).toBe("msort.part.0");
  expect(symbols.linkageNameAt(0x40, "run", "_ZN1C3runEv")).toBe("_ZN1C3runEv.cold");
});

test("a mangled symbol tells more than a bare name", () => {
  expect(symbols.linkageNameAt(0x30, "hide", null)).toBe("_ZL4hidev");
});

test("without a symbol the debug information stands", () => {
  expect(symbols.linkageNameAt(0x50, "f", "_Z1fv")).toBe("_Z1fv");
  expect(symbols.linkageNameAt(0x50, "f", null)).toBeNull();
});

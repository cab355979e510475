export * from "./crash-input.ts";
export * from "./python-symbols.ts";
export * from "./report.ts";

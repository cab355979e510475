import { expect, test } from "vitest";
import { HeldTexts } from "../src/held-texts.ts";

test("texts come back as they were and in their order, however many", () => {
  const held = new HeldTexts();
  const texts = Array.from({ length: 3000 }, (_, index) => `${index}:${"é\ud800\n".repeat(1000)}`);
  for (const text of texts) held.add(text);
  expect([...held]).toEqual(texts);
  expect([...held]).toEqual(texts);
});

test("none are none", () => {
  expect([...new HeldTexts()]).toEqual([]);
});

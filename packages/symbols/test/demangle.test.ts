import { expect, test } from "vitest";
import { demangle } from "../src/demangle.ts";

test.each([
  ["_ZN6shapes7measureEPKNS_3BoxEi", "shapes::measure(shapes::Box const*, int)"],
  ["_ZN6shapes7measureEPKNS_3BoxEi.cold", "shapes::measure(shapes::Box const*, int) (.cold)"],
  ["_ZN1a1bEv.isra.20.part.21", "a::b() (.isra.20.part.21)"],
  ["_ZN4core3fmt9Formatter3pad17h1234567890abcdefE", "core::fmt::Formatter::pad"],
  ["_RNvCskwGfYPst2Cb_3foo3bar", "foo::bar"],
  ["?foo@@YAXXZ", "foo(void)"],
])("%s reads %s", (mangled, shown) => {
  expect(demangle(mangled)).toBe(shown);
});

test.each([
  "main",
  "foo.cold",
  "$s4main3FooV",
  "-[Foo bar]",
  "memcpy@@GLIBC_2.14",
  "_ZN",
  "_Z",
  "_R",
  "?",
  "",
])("%s passes through", (name) => {
  expect(demangle(name)).toBe(name);
});

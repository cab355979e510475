/** Small faulthandler texts for the whole-system tests. `bug` decides the group, `serial` makes the text its own. */
export function dumpText(bug: number, serial: number): string {
  return [
    "Fatal Python error: Segmentation fault\n\n",
    `Current thread 0x${(0x7f00_0000_0000 + serial).toString(16).padStart(16, "0")} (most recent call first):\n`,
    `  File "/srv/shop/shop/bug_${bug}.py", line 12 in crash_${bug}\n`,
    `  File "/srv/shop/shop/bug_${bug}.py", line 30 in serve_${bug}\n`,
    `  File "/srv/shop/shop/__main__.py", line 7 in main\n`,
    `  File "/srv/shop/shop/__main__.py", line 11 in <module>\n`,
  ].join("");
}

/** Names that belong together, directly or over others. */
export class Unions {
  readonly #above = new Map<string, string>();

  join(one: string, other: string): void {
    const [first, second] = [this.headOf(one), this.headOf(other)];
    if (first === second) return;
    if (first < second) this.#above.set(second, first);
    else this.#above.set(first, second);
  }

  /** The same for all that belong together, in whatever order they were joined: the first of them by name. */
  headOf(name: string): string {
    const passed: string[] = [];
    let head = name;
    for (let next = this.#above.get(head); next !== undefined; next = this.#above.get(head)) {
      passed.push(head);
      head = next;
    }
    for (const each of passed) this.#above.set(each, head);
    return head;
  }
}

/** What could not be read, in words: the first ones told, further ones counted. */
export class GapList {
  private readonly told: string[] = [];
  private readonly most: number;
  private readonly rest: string;
  private more = 0;

  /** `rest`: what the further ones are, behind their number. */
  constructor(most: number, rest: string) {
    this.most = most;
    this.rest = rest;
  }

  add(text: string): void {
    if (this.told.length < this.most) this.told.push(text);
    else this.more += 1;
  }

  all(): readonly string[] {
    return this.more === 0 ? this.told : [...this.told, `${this.more} ${this.rest}`];
  }
}

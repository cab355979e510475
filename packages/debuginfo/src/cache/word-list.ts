/** Numbers of 32 bits, one behind the other, without an object for any. */
export class WordList {
  private words = new Uint32Array(1024);
  length = 0;

  push(word: number): void {
    if (this.length === this.words.length) {
      const larger = new Uint32Array(2 * this.length);
      larger.set(this.words);
      this.words = larger;
    }
    this.words[this.length++] = word;
  }

  view(): Uint32Array {
    return this.words.subarray(0, this.length);
  }
}

// A feed of changes in the hands of a test: it tells what it is told to tell, is lost, and is back.

import type { InvalidationFeed } from '../../src/stores/cached-sessions.ts';

export class HandFeed implements InvalidationFeed {
  isTrusted = true;
  tell: (id: string | null) => void = () => undefined;

  follow(listener: (id: string | null) => void): void {
    this.tell = listener;
  }

  lose(): void {
    this.isTrusted = false;
    this.tell(null);
  }

  restore(): void {
    this.isTrusted = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

// A feed of changes in the hands of a test: it tells what it is told to tell, is lost, and is back.

import type { InvalidationFeed } from '../../src/stores/cached-sessions.ts';

export class HandFeed implements InvalidationFeed {
  trustedUntil = Number.POSITIVE_INFINITY;
  tell: (id: string | null) => void = () => undefined;

  follow(listener: (id: string | null) => void): void {
    this.tell = listener;
  }

  lose(): void {
    this.trustedUntil = 0;
    this.tell(null);
  }

  restore(): void {
    this.trustedUntil = Number.POSITIVE_INFINITY;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

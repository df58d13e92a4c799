// What every server says of a credential once it has had the time to hear that it ended.

import { expect } from 'vitest';
import type { Answer } from '../../gateways/asking.ts';
import type { Ground, Headers } from '../ground.ts';
import { fast } from './by-strategy.ts';

/** Once every replica has heard of the ending; where that takes no time, at once. */
export async function settled(ground: Ground, headers: Headers): Promise<Answer[]> {
  const ask = () => ground.everywhere('GET', '/me', { headers });
  if (!fast(ground.strategy)) {
    const ended = [{ status: 401 }, { status: 401 }];
    await expect.poll(ask).toMatchObject(ended);
  }
  return ask();
}

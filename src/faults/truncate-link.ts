// Connections over some links break off after a random number of bytes, in the middle of whatever
// they carry: who listens sees the end of a stream, who speaks a reset. Those who connect again get
// a little further, or not.

import { seededRandom } from '../core/random.ts';
import { type Fault, linksAt, namesOf } from './fault.ts';

const defaultBytesMax = 64 * 1024;

export const truncateLink: Fault = {
  says: 'connections break off after a random number of bytes',
  target: (stage, options) => namesOf(linksAt(stage, options)),
  inject: async (stage, options) => {
    const { bytesMax = defaultBytesMax } = options;
    const links = linksAt(stage, options);
    for (const link of links) {
      const random = seededRandom(`${stage.seed}/${link.name}`);
      link.truncate(() => 1 + random.below(bytesMax));
    }
    return {
      [Symbol.asyncDispose]: async () => {
        for (const link of links) link.heal();
      },
    };
  },
};

// The event loop and the few threads of the pool are everybody's. Of what takes much of either, so
// much is done at once as passes these gates, and the rest waits in the order in which it came: so
// a small file among many large ones waits for none of them, and a login for a few pieces at most.

import { Gate } from '../../core/gate.ts';

const pieceBytes = 256 * 1024;

/** While one piece is hashed, another can be on its way to the disk. */
const pieces = new Gate(2);
/** Who has no more than this does not wait for those who have. */
const beginnings = new Gate(1);
/** The disk takes one large file after the other as fast as all together. */
export const settling = new Gate(1);

/** Reads or writes, and hashes, the piece of some file at this offset, when it is its turn. */
export function inTurn<T>(offset: number, work: () => Promise<T>): Promise<T> {
  return (offset < pieceBytes ? beginnings : pieces).pass(work);
}

// The properties that the lab judges. Every member is a fold over the history; see checker.ts.

export { affinity } from './affinity.ts';
export { availability } from './availability.ts';
export { convergence } from './convergence.ts';
export { durability } from './durability.ts';
export { failsClosed as 'fails-closed' } from './fails-closed.ts';
export { identity } from './identity.ts';
export { noLostUpdate as 'no-lost-update' } from './no-lost-update.ts';
export { noResurrection as 'no-resurrection' } from './no-resurrection.ts';
export { revocation } from './revocation.ts';
export { wholeFiles as 'whole-files' } from './whole-files.ts';

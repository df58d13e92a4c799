// The registry of policies: one line for each, under the name that users type.

export { clientHash as 'client-hash' } from './client-hash.ts';
export { consistentHash as 'consistent-hash' } from './consistent-hash.ts';
export { leastConnections as 'least-connections' } from './least-connections.ts';
export { random } from './random.ts';
export { roundRobin as 'round-robin' } from './round-robin.ts';
export { stickyCookie as 'sticky-cookie' } from './sticky-cookie.ts';

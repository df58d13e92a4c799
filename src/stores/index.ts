export { cached } from './cached.ts';
export { memory } from './memory.ts';
export { postgres } from './postgres.ts';
export { redis } from './redis.ts';

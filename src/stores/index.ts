export { memory } from './memory.ts';
export { redis } from './redis.ts';

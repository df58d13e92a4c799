export { given } from './given.ts';
export { postgres } from './postgres.ts';

export { session } from './session.ts';
export { token } from './token.ts';

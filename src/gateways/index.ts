// The registry of gateways: one line for each, under the name that users type.

export { node } from './node.ts';

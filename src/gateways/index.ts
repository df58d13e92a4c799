// The registry of gateways: one line for each, under the name that users type.

export { nginx } from './nginx.ts';
export { node } from './node.ts';

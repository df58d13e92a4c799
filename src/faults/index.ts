export { crash } from './crash.ts';
export { cutLink as 'cut-link' } from './cut-link.ts';
export { nothing } from './nothing.ts';
export { pause } from './pause.ts';
export { restart } from './restart.ts';
export { rollingRestart as 'rolling-restart' } from './rolling-restart.ts';
export { scale } from './scale.ts';
export { slowLink as 'slow-link' } from './slow-link.ts';
export { storeDown as 'store-down' } from './store-down.ts';

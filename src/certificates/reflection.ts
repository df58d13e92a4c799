// The library for certificates puts its parts together with `tsyringe`, which does not load where
// there is no reflection metadata (a proposal for JavaScript that was withdrawn). Nothing that we
// use of it has any, and this says so: it is all that is needed of a polyfill. Import it first.

const none = () => undefined;

if (!('getMetadata' in Reflect)) {
  Object.assign(Reflect, { getMetadata: none, getOwnMetadata: none });
}

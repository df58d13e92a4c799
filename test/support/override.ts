// A part of a server with some of its methods replaced, whether it is a plain object or an instance
// of a class with private members. For variants of a part that are otherwise the real thing.

/** Everything that is not overridden is asked of the part itself. */
export function override<Part extends object>(part: Part, methods: Partial<Part>): Part {
  return new Proxy(part, {
    get(target, name) {
      const from = Object.hasOwn(methods, name) ? methods : target;
      const value: unknown = Reflect.get(from, name);
      return typeof value === 'function' ? value.bind(from) : value;
    },
  });
}

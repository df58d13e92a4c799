// A shopping cart held in session data, one field for each item: the place where lost updates would
// show. Adding is an increment, so that two tabs that add at once both count. The session is
// changed here, explicitly, before the answer leaves.

import { limits } from '../../core/limits.ts';
import type { Fields } from '../../core/session.ts';
import type { App, Parts } from '../parts.ts';
import { changeSession } from '../session-plugin.ts';

const item = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,47}$' } as const;

const addition = {
  type: 'object',
  additionalProperties: false,
  required: ['item', 'quantity'],
  properties: {
    item,
    quantity: { type: 'integer', minimum: 1, maximum: limits.cartQuantityMax },
  },
} as const;

const cart = {
  type: 'object',
  required: ['items'],
  properties: { items: { type: 'object', additionalProperties: { type: 'integer' } } },
} as const;

const tags = ['cart'];
const prefix = 'cart.';

export function cartRoutes(app: App, { recogniser }: Parts): void {
  app.get(
    '/cart',
    {
      onRequest: app.authenticated,
      schema: { summary: 'Read the cart', tags, response: { 200: cart } },
    },
    async ({ login }) => ({ items: itemsIn(login.fields) }),
  );

  app.post(
    '/cart/items',
    {
      onRequest: app.authenticated,
      schema: { summary: 'Add to the cart', tags, body: addition, response: { 200: cart } },
    },
    async (request, reply) => {
      const field = prefix + request.body.item;
      const add = { op: 'increment', field, by: request.body.quantity } as const;
      return { items: itemsIn(await changeSession(recogniser, request, reply, [add])) };
    },
  );

  app.delete(
    '/cart/items/:item',
    {
      onRequest: app.authenticated,
      schema: {
        summary: 'Take an item out of the cart',
        tags,
        params: { type: 'object', required: ['item'], properties: { item } } as const,
        response: { 200: cart },
      },
    },
    async (request, reply) => {
      const remove = { op: 'remove', field: prefix + request.params.item } as const;
      return { items: itemsIn(await changeSession(recogniser, request, reply, [remove])) };
    },
  );
}

function itemsIn(fields: Fields): Record<string, number> {
  const items = Object.entries(fields).flatMap(([field, value]) =>
    field.startsWith(prefix) && typeof value === 'number'
      ? [[field.slice(prefix.length), value] as const]
      : [],
  );
  return Object.fromEntries(items);
}

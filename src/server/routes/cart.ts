// A shopping cart held in session data, one field for each item: the place where lost updates would
// show. Adding is an increment, so that two tabs that add at once both count. The session is
// changed here, explicitly, before the answer leaves.

import { limits } from '../../core/limits.ts';
import type { App, Parts } from '../parts.ts';
import { sessionData } from '../session-data.ts';
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
const change = sessionData.change.cart;

export function cartRoutes(app: App, { recogniser }: Parts): void {
  app.get(
    '/cart',
    {
      onRequest: app.authenticated,
      schema: { summary: 'Read the cart', tags, response: { 200: cart } },
    },
    async ({ login }) => ({ items: sessionData.read(login.fields).cart }),
  );

  app.post(
    '/cart/items',
    {
      onRequest: app.authenticated,
      schema: { summary: 'Add to the cart', tags, body: addition, response: { 200: cart } },
    },
    async (request, reply) => {
      const add = change.add(request.body.item, request.body.quantity);
      const fields = await changeSession(recogniser, request, reply, [add]);
      return { items: sessionData.read(fields).cart };
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
      const remove = change.remove(request.params.item);
      const fields = await changeSession(recogniser, request, reply, [remove]);
      return { items: sessionData.read(fields).cart };
    },
  );
}

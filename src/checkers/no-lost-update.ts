// P5: every acknowledged change is still there, and nothing that nobody asked for. A cart item is
// a counter (as in Jepsen's checker of that name): what a read shows lies between the sum of what
// was acknowledged and that plus what may have happened. Only reads of a live session with no put
// under way are judged, and the latest of them counts, so that what heals in time is no loss.

import type { Invocation } from '../core/history.ts';
import type { Witness } from '../core/verdict.ts';
import type { Checker, Checking, Exchange, Observation } from './checker.ts';
import { ruling } from './engine/ruling.ts';
import { count, line } from './engine/wording.ts';

interface Item {
  /** Sum of what was acknowledged. */
  least: number;
  /** That, and what is under way or indefinite. */
  most: number;
  lost: number;
  phantom: number;
  /** The latest acknowledged puts, two at most. */
  puts: readonly Exchange[];
  /** The latest read that could be judged, and what it showed. */
  read: Exchange | undefined;
  shown: number;
}

interface Cart {
  readonly items: Map<string, Item>;
  putsOpen: number;
  putsBegun: number;
}

export const noLostUpdate: Checker = {
  property: 'no-lost-update',
  chapter: 'docs/concepts/04-the-shared-store.md',
  start: () => new NoLostUpdate(),
};

class NoLostUpdate implements Checking {
  readonly #carts = new Map<string, Cart>();
  /** Reads under way that began while no put was, with the puts begun by then. */
  readonly #reads = new Map<number, number>();

  invoke(invocation: Invocation): void {
    const { f, sess, key, val, i } = invocation;
    if (sess === null || (f !== 'put' && f !== 'read')) return;
    const cart = this.#cartOf(sess);
    if (f === 'read') {
      if (cart.putsOpen === 0) this.#reads.set(i, cart.putsBegun);
    } else {
      cart.putsOpen += 1;
      cart.putsBegun += 1;
      if (key !== undefined) itemOf(cart, key).most += val ?? 0;
    }
  }

  observe(observation: Observation): void {
    const { f, sess } = observation.invocation;
    if (sess === null) return;
    if (f === 'put') this.#put(this.#cartOf(sess), observation);
    if (f === 'read') this.#read(this.#cartOf(sess), observation);
  }

  #cartOf(sess: string): Cart {
    let cart = this.#carts.get(sess);
    if (cart === undefined) {
      cart = { items: new Map(), putsOpen: 0, putsBegun: 0 };
      this.#carts.set(sess, cart);
    }
    return cart;
  }

  #put(cart: Cart, observation: Observation): void {
    const { invocation, completion, tookFor } = observation;
    cart.putsOpen -= 1;
    if (invocation.key === undefined) return;
    const item = itemOf(cart, invocation.key);
    const val = invocation.val ?? 0;
    if (completion.t === 'fail' || tookFor === 'nobody') item.most -= val;
    if (tookFor === 'somebody') {
      item.least += val;
      item.puts = [...item.puts.slice(-1), observation];
    }
  }

  #read(cart: Cart, observation: Observation): void {
    const { invocation, completion, standing } = observation;
    const begun = this.#reads.get(invocation.i);
    this.#reads.delete(invocation.i);
    const seen = completion.seen?.cart;
    if (standing !== 'live' || completion.t !== 'ok' || seen === undefined) return;
    if (begun !== cart.putsBegun) return;
    for (const name of Object.keys(seen)) itemOf(cart, name);
    for (const [name, item] of cart.items) {
      item.read = observation;
      item.shown = Object.hasOwn(seen, name) ? (seen[name] ?? 0) : 0;
      item.lost = Math.max(0, item.least - item.shown);
      item.phantom = Math.max(0, item.shown - item.most);
    }
  }

  verdict() {
    const judged = [...this.#carts.values()]
      .flatMap((cart) => [...cart.items.values()])
      .filter((item) => item.read !== undefined);
    const lostUnits = judged.reduce((sum, item) => sum + item.lost, 0);
    const phantomUnits = judged.reduce((sum, item) => sum + item.phantom, 0);
    const ackedUnits = judged.reduce((sum, item) => sum + item.least, 0);
    const wrong = judged.filter((item) => item.lost + item.phantom > 0);
    const broken = wrong.length;
    const decisive = judged.length;
    const lacks = 'no cart was read after its last change';
    return ruling(
      'no-lost-update',
      { broken, decisive, witness: shortfall(wrong[0]), lacks },
      { lostUnits, phantomUnits, ackedUnits },
      () => {
        const of = `${count(broken)} of ${count(decisive)} cart items wrong`;
        const phantom = phantomUnits === 0 ? '' : `, ${count(phantomUnits)} nobody put there`;
        return `${of}; ${count(lostUnits)} of ${count(ackedUnits)} units lost${phantom}`;
      },
    );
  }
}

function itemOf(cart: Cart, name: string): Item {
  let item = cart.items.get(name);
  if (item === undefined) {
    item = { least: 0, most: 0, puts: [], read: undefined, lost: 0, phantom: 0, shown: 0 };
    cart.items.set(name, item);
  }
  return item;
}

function shortfall(item: Item | undefined): Witness | null {
  if (item?.read === undefined) return null;
  const bounds = item.least === item.most ? `${item.least}` : `${item.least} to ${item.most}`;
  return {
    events: [...item.puts.toSorted(byStart), item.read].map(line),
    because:
      `what was put adds up to ${bounds} and no put was under way, ` +
      `but the cart showed ${item.shown}`,
  };
}

function byStart(a: Exchange, b: Exchange): number {
  return a.invocation.tInv - b.invocation.tInv;
}

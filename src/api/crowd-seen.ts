// Who takes part in an experiment, as its history tells: the clients, and the login that each
// carries.

import type { HistoryEvent, Invocation } from '../core/history.ts';
import type { ClientView } from './contract.ts';

export class CrowdSeen {
  readonly #clients = new Map<string, ClientView>();
  readonly #open = new Map<number, Invocation>();

  /** True when somebody came, logged in or left. */
  hear(event: HistoryEvent): boolean {
    if (event.t === 'run' || event.t === 'fault') return false;
    if (event.t === 'invoke') {
      this.#open.set(event.i, event);
      const { client: name, user } = event;
      const isNew = !this.#clients.has(name);
      if (isNew) this.#clients.set(name, { name, user, sess: null });
      return isNew;
    }
    const begun = this.#open.get(event.i);
    this.#open.delete(event.i);
    const client = this.#clients.get(begun?.client ?? '');
    if (begun === undefined || client === undefined || event.t !== 'ok') return false;
    const hasLeft = begun.f === 'logout' || begun.f === 'logout-everywhere';
    const sess = hasLeft ? null : (event.sess ?? client.sess);
    if (sess === client.sess) return false;
    this.#clients.set(client.name, { ...client, sess });
    return true;
  }

  all(): readonly ClientView[] {
    return [...this.#clients.values()];
  }
}

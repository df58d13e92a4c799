// What a person does to the servers and links of a lane. Each is one of the faults of the lab, put
// on record like those of an experiment, and its cure is kept until it is asked for. A server that
// somebody killed from a terminal is taken as killed here.

import assert from 'node:assert/strict';
import { Gate } from '../core/gate.ts';
import type { FaultOptions } from '../faults/fault.ts';
import * as faults from '../faults/index.ts';
import type { Cluster } from '../lab/cluster.ts';
import type { ClusterServer } from '../lab/cluster-server.ts';
import type { Recorder } from '../lab/recorder.ts';
import { Cannot } from './cannot.ts';

export const serversMax = 100;

type ServerVerb = 'kill' | 'pause' | 'resume' | 'restart' | 'start' | 'remove';
type LinkVerb = 'cut' | 'slow' | 'refuse' | 'heal';
export type LinkName = { readonly server: string } | 'store';

/** A fault that lasts. */
interface Lasting {
  readonly kind: string;
  readonly target: string;
  readonly cure?: AsyncDisposable | undefined;
}

const slowByMs = 400;

export class Interventions {
  readonly #stage: Cluster;
  readonly #recorder: Recorder;
  /** By what they touch: a server's name, 'gateway -> s2' or 'store'. */
  readonly #lasting = new Map<string, Lasting>();
  readonly #gate = new Gate(1);
  readonly #onDone: () => void;

  /** `onDone` is told when something was done, or failed half way. */
  constructor(stage: Cluster, recorder: Recorder, onDone: () => void) {
    this.#stage = stage;
    this.#recorder = recorder;
    this.#onDone = onDone;
  }

  /** @throws Cannot, as for a server that is not there or in no state for it. */
  server(verb: ServerVerb, name: string): Promise<string> {
    return this.#inTurn(async () => {
      const server = this.#find(name);
      const says = await this.#verbs[verb](server);
      return `${name} ${says}`;
    });
  }

  add(): Promise<string> {
    return this.#inTurn(() => this.#scaleTo(this.#stage.servers().length + 1));
  }

  setServers(wanted: number): Promise<string> {
    return this.#inTurn(async () => {
      const surplus = this.#stage.servers().slice(wanted).toReversed();
      for (const server of surplus) await this.#remove(server);
      if (surplus.length === 0) return this.#scaleTo(wanted);
      return `${surplus.map(({ name }) => name).join(', ')} removed`;
    });
  }

  link(verb: LinkVerb, link: LinkName): Promise<string> {
    return this.#inTurn(async () => {
      const key = link === 'store' ? 'store' : `gateway -> ${this.#find(link.server).name}`;
      if (verb === 'heal' && !this.#lasting.has(key)) throw new Cannot(`${key} is whole already`);
      await this.#cure(key);
      if (verb !== 'heal') await this.#breakLink(key, verb, link);
      return `${key}: ${linkWords[verb]}`;
    });
  }

  /** Without having been told to. */
  died(name: string): void {
    this.#forget(name);
    this.#begin(name, { kind: 'crash', target: name, cure: this.#startAgain(name) });
  }

  #inTurn(work: () => Promise<string>): Promise<string> {
    return this.#gate.pass(() => work().finally(this.#onDone));
  }

  readonly #verbs: Readonly<Record<ServerVerb, (server: ClusterServer) => Promise<string>>> = {
    kill: async (server) => {
      const { name, pid } = needs(server, 'up', 'paused');
      this.#forget(name);
      await this.#inject(name, 'crash', { server: this.#at(server) });
      return `was killed (process ${pid})`;
    },
    pause: async (server) => {
      const { name, pid } = needs(server, 'up');
      await this.#inject(name, 'pause', { server: this.#at(server) });
      return `is paused (process ${pid})`;
    },
    resume: async (server) => {
      await this.#cure(needs(server, 'paused').name);
      return `goes on (process ${server.pid})`;
    },
    restart: async (server) => {
      await this.#cure(needs(server, 'up', 'paused').name);
      await this.#inject(server.name, 'restart', { server: this.#at(server) });
      return `was restarted and is ${server.name}#${server.incarnation} now`;
    },
    start: async (server) => {
      await this.#cure(needs(server, 'down').name);
      return `serves again, as ${server.name}#${server.incarnation} (process ${server.pid})`;
    },
    remove: (server) => this.#remove(server),
  };

  async #remove(server: ClusterServer): Promise<string> {
    const { name } = server;
    if (this.#stage.servers().length === 1) throw new Cannot(`${name} is the only server`);
    if (server.state === 'paused') await this.#cure(name);
    this.#forget(name);
    this.#forget(`gateway -> ${name}`);
    const event = { kind: 'remove', target: name };
    this.#recorder.fault({ ...event, phase: 'begin' });
    await this.#stage.removeServer(server);
    this.#recorder.fault({ ...event, phase: 'end' });
    return 'was removed';
  }

  async #scaleTo(servers: number): Promise<string> {
    if (servers > serversMax) throw new Cannot(`A lane has at most ${serversMax} servers`);
    const before = new Set(this.#stage.servers());
    if (before.size === servers) throw new Cannot(`There are ${servers} servers already`);
    await this.#inject('scale', 'scale', { servers });
    const added = this.#stage.servers().filter((each) => !before.has(each));
    return `${added.map(({ name }) => name).join(', ')} added`;
  }

  async #breakLink(key: string, verb: Exclude<LinkVerb, 'heal'>, link: LinkName): Promise<void> {
    const options: FaultOptions =
      link === 'store'
        ? { server: 'all', link: 'store', delayMs: slowByMs }
        : { server: this.#at(this.#find(link.server)), delayMs: slowByMs };
    const isShared = this.#stage.servers().some((each) => this.#stage.storeLink(each));
    if (link === 'store' && !isShared) throw new Cannot('The servers of this lane share no store');
    if (verb !== 'refuse') {
      await this.#inject(key, verb === 'cut' ? 'cut-link' : 'slow-link', options);
    } else if (link === 'store') await this.#inject(key, 'store-down', {});
    else {
      const port = this.#stage.gatewayLink(this.#find(link.server));
      port.refuse();
      const cure = { [Symbol.asyncDispose]: async () => port.heal() };
      this.#begin(key, { kind: 'refuse-link', target: key, cure });
    }
  }

  async #inject(key: string, kind: keyof typeof faults, options: FaultOptions): Promise<void> {
    const fault = faults[kind];
    const target = fault.target(this.#stage, options);
    this.#recorder.fault({ kind, target, phase: 'begin' });
    const cure = await fault.inject(this.#stage, options);
    if (cure === undefined) this.#recorder.fault({ kind, target, phase: 'end' });
    else this.#lasting.set(key, { kind, target, cure });
  }

  #begin(key: string, lasting: Lasting): void {
    this.#lasting.set(key, lasting);
    const { kind, target } = lasting;
    this.#recorder.fault({ kind, target, phase: 'begin' });
  }

  async #cure(key: string): Promise<void> {
    const lasting = this.#lasting.get(key);
    await lasting?.cure?.[Symbol.asyncDispose]();
    this.#forget(key);
  }

  /** Without a cure: something else has taken its place. */
  #forget(key: string): void {
    const lasting = this.#lasting.get(key);
    if (lasting === undefined) return;
    this.#lasting.delete(key);
    this.#recorder.fault({ kind: lasting.kind, target: lasting.target, phase: 'end' });
  }

  #startAgain(name: string): AsyncDisposable {
    return { [Symbol.asyncDispose]: () => this.#find(name).start() };
  }

  #find(name: string): ClusterServer {
    const server = this.#stage.servers().find((each) => each.name === name);
    if (server === undefined) throw new Cannot(`There is no ${name} here`);
    return server;
  }

  #at(server: ClusterServer): number {
    const at = this.#stage.servers().indexOf(server);
    assert(at >= 0, 'the server was found on the stage');
    return at;
  }
}

const linkWords: Readonly<Record<LinkVerb, string>> = {
  cut: 'cut; every byte is dropped in silence',
  slow: `slow; every byte is late by ${slowByMs} ms`,
  refuse: 'connections are refused',
  heal: 'whole again',
};

function needs(server: ClusterServer, ...states: ClusterServer['state'][]): ClusterServer {
  if (!states.includes(server.state)) throw new Cannot(`${server.name} is ${server.state}`);
  return server;
}

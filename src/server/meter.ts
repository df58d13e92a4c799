// Counts what the server does, as plain numbers, so that a request pays next to nothing for it.
// They are put into the form of Prometheus when somebody asks; the library that knows the process
// (memory, processor, lag of the event loop) is loaded then. Labels name no user and no session.

import type { Registry } from 'prom-client';
import type { Recognition } from '../core/recognition.ts';
import { securityEvents } from '../core/security-event.ts';
import { expositionOf, type Family, Histogram, type Sample } from './exposition.ts';

type Counts = Map<string, number>;

function add(counts: Counts, key: string, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function samplesOf(counts: Counts, label: string): Sample[] {
  return [...counts].map(([key, value]) => ({ labels: { [label]: key }, value }));
}

/** Answers of one route. */
class RouteTally {
  readonly statuses = new Map<number, number>();
  /** By the first digit of the status. */
  readonly classes: Histogram[] = [];

  answer(status: number, durationMs: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    const digit = Math.trunc(status / 100);
    this.classes[digit] ??= new Histogram();
    this.classes[digit].observe(durationMs);
  }
}

/** Calls of one verb of the store, by outcome: 'ok' or the code of the error. */
export type VerbTally = Map<string, Histogram>;

/** Transfers of files. */
class TransferTally {
  bytesIn = 0;
  bytesOut = 0;
  readonly commands = new Map<string, VerbTally>();

  transfer(command: string, outcome: string, durationMs: number): void {
    const tally: VerbTally = entry(this.commands, command, () => new Map());
    entry(tally, outcome, () => new Histogram()).observe(durationMs);
  }
}

/** What is looked at when somebody asks, because its owner keeps it anyway. */
export interface Gauges {
  readonly breaker?: () => string;
  readonly revocationAgeMs?: () => number;
  readonly keyGeneration?: () => number;
  readonly transferConnections?: () => number;
  readonly audit?: () => {
    readonly canRecord: boolean;
    readonly waiting: number;
    readonly lost: number;
  };
}

export class Meter {
  #recognised = 0;
  issued = 0;
  undecodable = 0;
  readonly #recognitions: Counts = new Map();
  readonly #ended: Counts = new Map();
  readonly #refreshes: Counts = new Map();
  /** All from the start: the first of a kind is the one to be alarmed by, and must be a change. */
  readonly #events: Counts = new Map(Object.keys(securityEvents).map((kind) => [kind, 0]));
  readonly #routes = new Map<string, RouteTally>();
  readonly #verbs = new Map<string, VerbTally>();
  readonly transfers = new TransferTally();
  gauges: Gauges = {};
  #process: Promise<Registry> | undefined;

  recognition(recognition: Recognition): void {
    if (recognition.kind === 'recognised') this.#recognised += 1;
    else add(this.#recognitions, recognition.kind === 'unknown' ? 'unknown' : recognition.reason);
  }

  ended(reason: string, count = 1): void {
    add(this.#ended, reason, count);
  }

  refreshed(outcome: string): void {
    add(this.#refreshes, outcome);
  }

  event(kind: string): void {
    add(this.#events, kind);
  }

  /** `pattern` is that of the route, so that the number of series stays bounded. */
  route(pattern: string): RouteTally {
    return entry(this.#routes, pattern, () => new RouteTally());
  }

  verb(name: string): VerbTally {
    return entry(this.#verbs, name, () => new Map());
  }

  /** The metrics in the text format of Prometheus. */
  async exposition(): Promise<{ readonly type: string; readonly text: string }> {
    this.#process ??= this.#observeProcess();
    const registry = await this.#process;
    const text = `${expositionOf(this.#families())}\n${await registry.metrics()}`;
    return { type: registry.contentType, text };
  }

  async #observeProcess(): Promise<Registry> {
    const { default: prometheus } = await import('prom-client');
    const registry = new prometheus.Registry();
    prometheus.collectDefaultMetrics({ register: registry });
    return registry;
  }

  #families(): Family[] {
    const recognised = { labels: { outcome: 'recognised' }, value: this.#recognised };
    const counter = (name: string, help: string, samples: readonly Sample[]): Family => {
      return { name: `sessionlab_${name}_total`, help, type: 'counter', samples };
    };
    return [
      counter(
        'recognitions',
        'Requests by who their sender was found to be: recognised, unknown, or why nobody',
        [recognised, ...samplesOf(this.#recognitions, 'outcome')],
      ),
      counter('sessions_issued', 'Sessions that were begun', [{ value: this.issued }]),
      counter('sessions_ended', 'Sessions that were ended', samplesOf(this.#ended, 'reason')),
      counter('refreshes', 'Credentials exchanged', samplesOf(this.#refreshes, 'outcome')),
      counter('security_events', 'Security events', samplesOf(this.#events, 'kind')),
      counter('undecodable_records', 'Records of the store that were no session', [
        { value: this.undecodable },
      ]),
      ...this.#latencies(),
      ...transfersOf(this.transfers, this.gauges),
      ...gaugesOf(this.gauges),
      ...auditOf(this.gauges),
    ];
  }

  #latencies(): Family[] {
    const routes = [...this.#routes];
    const answers = routes.flatMap(([route, { statuses }]) =>
      [...statuses].map(([status, value]) => ({ labels: { route, status }, value })),
    );
    const seconds = routes.flatMap(([route, { classes }]) =>
      classes.map((value, digit) => ({ labels: { route, class: `${digit}xx` }, value })),
    );
    const store = outcomesOf(this.#verbs, 'verb');
    const help = 'Time from request to answer, by route and class of status';
    return [
      {
        name: 'sessionlab_answers_total',
        help: 'Answers by route and status',
        type: 'counter',
        samples: answers,
      },
      // Holes in the array, for classes that did not occur, are left out by flat().
      { name: 'sessionlab_answer_seconds', help, type: 'histogram', samples: seconds.flat() },
      {
        name: 'sessionlab_store_seconds',
        help: 'Time that the session store took, by verb and outcome',
        type: 'histogram',
        samples: store,
      },
    ];
  }
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key) ?? make();
  map.set(key, known);
  return known;
}

function outcomesOf(verbs: ReadonlyMap<string, VerbTally>, label: string): Sample[] {
  return [...verbs].flatMap(([verb, outcomes]) =>
    [...outcomes].map(([outcome, value]) => ({ labels: { [label]: verb, outcome }, value })),
  );
}

function transfersOf(tally: TransferTally, { transferConnections }: Gauges): Family[] {
  if (transferConnections === undefined) return [];
  const bytes = [
    { labels: { direction: 'in' }, value: tally.bytesIn },
    { labels: { direction: 'out' }, value: tally.bytesOut },
  ];
  return [
    {
      name: 'sessionlab_transfer_connections',
      help: 'Connections for the transfer of files that are open',
      type: 'gauge',
      samples: [{ value: transferConnections() }],
    },
    {
      name: 'sessionlab_transfer_bytes_total',
      help: 'Bytes of files that were transferred, by direction',
      type: 'counter',
      samples: bytes,
    },
    {
      name: 'sessionlab_transfer_seconds',
      help: 'Time that commands of transfers took, by command and outcome',
      type: 'histogram',
      samples: outcomesOf(tally.commands, 'command'),
    },
  ];
}

function auditOf({ audit }: Gauges): Family[] {
  if (audit === undefined) return [];
  const { canRecord, waiting, lost } = audit();
  const family = (name: string, type: 'gauge' | 'counter', help: string, value: number): Family => {
    return { name: `sessionlab_audit_${name}`, type, help, samples: [{ value }] };
  };
  return [
    family(
      'writable',
      'gauge',
      'Is the audit log written? 0: who wants new rights is refused',
      +canRecord,
    ),
    family('waiting', 'gauge', 'Entries of the audit log that are not on disk yet', waiting),
    family('lost_total', 'counter', 'Entries of the audit log for which there was no room', lost),
  ];
}

function gaugesOf({ breaker, revocationAgeMs, keyGeneration }: Gauges): Family[] {
  const gauge = (name: string, help: string, samples: readonly Sample[]): Family => {
    return { name: `sessionlab_${name}`, help, type: 'gauge', samples };
  };
  const now = breaker?.();
  const states = ['closed', 'half-open', 'open'];
  const breakers = states.map((state) => ({ labels: { state }, value: state === now ? 1 : 0 }));
  return [
    ...(now === undefined
      ? []
      : [gauge('store_breaker', 'State of the circuit breaker', breakers)]),
    ...(revocationAgeMs === undefined
      ? []
      : [
          gauge('revocations_view_age_seconds', 'How old the view of the endings is', [
            { value: revocationAgeMs() / 1_000 },
          ]),
        ]),
    ...(keyGeneration === undefined
      ? []
      : [gauge('key_ring_generation', 'Grows with the ring', [{ value: keyGeneration() }])]),
  ];
}

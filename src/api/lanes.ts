// The lanes that are there now: replaced all at once, each starting and ending by itself, so that
// one that fails takes no other with it. They stand on one lab, which opens while the page is up
// already. What is over is cleared away in the background and is heard of no more.

import { basename } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { type RunResult, runScenario } from '../lab/run.ts';
import * as scenarios from '../scenarios/index.ts';
import type { AnswerName, Scenario } from '../scenarios/scenario.ts';
import { ByHand } from './by-hand.ts';
import { Cannot } from './cannot.ts';
import type { ExperimentView, LaneId, LaneWish, Told } from './contract.ts';
import { Lane } from './lane.ts';
import { Live } from './live.ts';
import { type StartingPlace, startingPlaces } from './starting-line.ts';

/**
 * Of a run that is played by hand: ten minutes of 200 requests a second, some 50 MB on disk, which
 * a replay takes whole.
 */
const eventsMaxByHand = 250_000;

export const laneIds = ['a', 'b', 'c', 'd'] as const satisfies LaneId[];

/** Makes the front gateway lead to the lane of an answer, or to nobody. */
export type Route = (answer: AnswerName, url: string | undefined) => Promise<void>;

interface Running {
  readonly lane: Lane;
  readonly ending: AbortController;
  hand?: ByHand;
  /** Settles when nothing of it is left. */
  over: Promise<void>;
}

export class Lanes implements AsyncDisposable {
  readonly live = new Live();
  readonly #lab: Promise<Lab>;
  readonly #route: Route;
  readonly #eventsMax: number;
  #running: readonly Running[] = [];
  #ending = new Set<Promise<void>>();

  constructor(lab: Promise<Lab>, route: Route, eventsMax = eventsMaxByHand) {
    this.#lab = lab;
    this.#route = route;
    this.#eventsMax = eventsMax;
  }

  all(): readonly Lane[] {
    return this.#running.map(({ lane }) => lane);
  }

  /** Those that are played with by hand: one, or all. @throws Cannot when there is none. */
  byHand(id: LaneId | undefined): readonly (readonly [Lane, ByHand])[] {
    const asked = this.#running.filter(({ lane }) => id === undefined || lane.id === id);
    if (asked.length === 0) throw new Cannot(id ? `There is no lane ${id}` : 'There is no lane');
    const ready = asked.flatMap(({ lane, hand }) => (hand ? [[lane, hand] as const] : []));
    const first = asked[0]?.lane;
    if (ready.length > 0 || first === undefined) return ready;
    const { experiment } = first.view();
    throw new Cannot(
      experiment ? 'An experiment is carried out here: open lanes first' : `It is ${first.state}`,
    );
  }

  open(wishes: readonly LaneWish[]): void {
    this.#replace(
      wishes.map(({ answer, policy }) => ({ answer, policy, experiment: null })),
      (running, index) => this.#play(running, wishes[index] as LaneWish),
    );
  }

  /** @throws Cannot for a scenario that is not there or says nothing about an answer. */
  experiment(name: string, answers: readonly AnswerName[], seed: string): void {
    const scenario = new Map<string, Scenario>(Object.entries(scenarios)).get(name);
    if (scenario === undefined) throw new Cannot(`There is no scenario '${name}'`);
    const silent = answers.filter((answer) => scenario.expect[answer] === undefined);
    if (silent.length > 0) throw new Cannot(`'${name}' says nothing about ${silent.join(', ')}`);
    const { title, question, chapter } = scenario;
    const experiment = { scenario: name, title, question, chapter, seed };
    const { policy } = scenario.cluster;
    const startingLine = startingPlaces(answers.length);
    this.#replace(
      answers.map((answer) => ({ answer, policy, experiment })),
      (running, index) => this.#carryOut(running, experiment, startingLine[index] as StartingPlace),
    );
  }

  /** The first that a listener hears. */
  everything(): Told {
    // What waits to be told is in it, and must not be told again.
    for (const lane of this.all()) lane.flush();
    return {
      tell: 'all',
      lanes: this.all().map((lane) => lane.view()),
      stages: Object.fromEntries(this.all().map((lane) => [lane.id, lane.seen()])),
      verdicts: Object.fromEntries(this.all().map((lane) => [lane.id, lane.verdicts()])),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(this.#running);
    this.live[Symbol.dispose]();
    await Promise.all(this.#ending);
  }

  #replace(
    facts: readonly Omit<ConstructorParameters<typeof Lane>[0], 'id'>[],
    work: (running: Running, index: number) => Promise<void>,
  ): void {
    this.#end(this.#running);
    this.#running = facts.map((each, index) => {
      const id = laneIds[index] as LaneId;
      const lane = new Lane({ ...each, id }, (told) => this.live.tell(told));
      return { lane, ending: new AbortController(), over: Promise.resolve() };
    });
    this.live.tell(this.everything());
    for (const [index, running] of this.#running.entries()) {
      running.over = work(running, index).catch((error: unknown) => fail(running.lane, error));
    }
  }

  #end(lanes: readonly Running[]): void {
    for (const { lane, ending, over } of lanes) {
      ending.abort();
      const gone = Promise.all([lane.mute(), over]).then(() => undefined);
      this.#ending.add(gone);
      void gone.finally(() => this.#ending.delete(gone));
    }
  }

  async #play(running: Running, wish: LaneWish): Promise<void> {
    const { lane, ending } = running;
    const { signal } = ending;
    const lab = await this.#lab;
    signal.throwIfAborted();
    const eventsMax = this.#eventsMax;
    await using hand = await ByHand.open({ lane, wish, lab, eventsMax, signal });
    running.hand = hand;
    lane.become({ state: 'ready' });
    const isFirst = this.all().find(({ answer }) => answer === lane.answer) === lane;
    if (isFirst) await this.#route(lane.answer, hand.stage.gatewayUrl);
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
    const hasHeir = this.all().some(({ answer }) => answer === lane.answer);
    if (isFirst && !hasHeir) await this.#route(lane.answer, undefined);
  }

  async #carryOut(
    { lane, ending }: Running,
    experiment: ExperimentView,
    place: StartingPlace,
  ): Promise<void> {
    using _ = place;
    const { scenario, seed } = experiment;
    const { signal } = ending;
    const lab = await this.#lab;
    signal.throwIfAborted();
    const result = await runScenario(scenario, lane.answer, lab, {
      ...{ seed, signal },
      onEvent: lane.hear,
      onStage: async (stage, { folder, sessionStoreUrl }) => {
        lane.become({ run: `${basename(lab.folder)}.${basename(folder)}` });
        await lane.openStore(sessionStoreUrl, lab);
        lane.show(stage);
        await place.untilAllAreReady();
        lane.become({ state: 'ready' });
      },
      onProgress: ({ phase }) => {
        if (phase === 'healing') lane.keepStill();
      },
    });
    if (result.notTested !== undefined) throw new Cannot(result.notTested);
    lane.become({ state: 'done', experiment: { ...experiment, ...outcome(result) } });
  }
}

function outcome({ asExpected, surprises, missing }: RunResult) {
  const unknown = missing.map((property) => `${property}: UNKNOWN`);
  return { asExpected, surprises: [...surprises, ...unknown] };
}

function fail(lane: Lane, error: unknown): void {
  const trouble = error instanceof Error ? error.message : String(error);
  lane.become({ state: 'failed', trouble });
}

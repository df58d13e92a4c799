// The live page, opened: its server and the front gateway at once, so that there is something to
// look at, then the lab, then the first lanes. Everything ends in the opposite order, at whatever
// moment it is told to.

import { node } from '../gateways/node.ts';
import { type Lab, openLab } from '../lab/lab.ts';
import { answers } from '../scenarios/scenario.ts';
import { firstLanes } from './choices.ts';
import type { LaneWish } from './contract.ts';
import type { Admission } from './guard.ts';
import { Lanes, type Route } from './lanes.ts';
import { buildPage, builtFolder } from './page-build.ts';
import { PageFiles } from './page-files.ts';
import { buildPageServer } from './page-server.ts';
import { Recorded } from './recorded.ts';

/** Orders are answered when they are done, and to start a hundred servers takes a while. */
const answerTimeoutMs = 180_000;
const pageGroup = 'page';

export interface PageOptions {
  readonly port: number;
  readonly host: string;
  readonly results: string;
  readonly admission: Admission;
  /** What starts by itself; absent: a lane of each answer of the course that can be had here. */
  readonly lanes?: readonly LaneWish[];
  /** Absent: the page is built first, if it has to be. */
  readonly folder?: string;
  /** How many events a run that is played by hand may record. */
  readonly eventsMax?: number;
  readonly signal: AbortSignal;
  /** Told of what went wrong behind the page. */
  readonly onTrouble: (error: unknown) => void;
}

export interface OpenPage extends AsyncDisposable {
  /** Of the front gateway. */
  readonly url: string;
  readonly lanes: Lanes;
  /** Resolves when the first lanes have begun to start. */
  readonly begun: Promise<void>;
}

/** Resolves when the page can be asked for. */
export async function openPage(options: PageOptions): Promise<OpenPage> {
  const { admission, results, signal, onTrouble } = options;
  // Ended from its end on: first the lanes and all who listen to them, at last the lab.
  await using stack = new AsyncDisposableStack();
  const { promise: lab, resolve: found, reject: lost } = Promise.withResolvers<Lab>();
  const built = options.folder ? Promise.resolve() : buildPage(signal).catch(onTrouble);
  stack.defer(() => built);
  let url = '';
  let route: Route = async () => undefined;
  const lanes = new Lanes(lab, (...to) => route(...to), options.eventsMax);
  const server = buildPageServer({
    ...{ lanes, admission, lab, recorded: new Recorded(results) },
    files: new PageFiles(options.folder ?? builtFolder, built),
    url: () => url,
  });
  stack.defer(() => server.close());
  const own = await server.listen({ port: 0, host: '127.0.0.1' });
  const front = stack.use(await startFront(own, options));
  url = front.url;
  route = (answer, to) => front.route(answer, to === undefined ? [] : [{ name: answer, url: to }]);

  openLab({ folder: results, bundle: true, people: true, signal }).then(found, lost);
  const ended = new AsyncDisposableStack();
  ended.defer(async () => (await lab.catch(() => undefined))?.[Symbol.asyncDispose]());
  ended.use(stack.move());
  ended.use(lanes);
  const begun = lab.then((opened) => {
    if (signal.aborted || lanes.all().length > 0) return;
    lanes.open(options.lanes ?? firstLanes(opened));
  });
  begun.catch(onTrouble);
  return { url, lanes, begun, [Symbol.asyncDispose]: () => ended.disposeAsync() };
}

function startFront(page: string, { port, host }: PageOptions) {
  const names = Object.keys(answers);
  const policy = 'round-robin';
  const unchecked = { unchecked: true } as const;
  return node.start({
    groups: [
      {
        name: pageGroup,
        policy,
        pages: true,
        ...unchecked,
        upstreams: [{ name: pageGroup, url: page }],
      },
      ...names.map((name) => ({ name, policy, ...unchecked, upstreams: [] })),
    ],
    routes: [
      { path: '/', group: pageGroup },
      ...names.map((name) => ({ path: `/api/${name}/`, base: `/api/${name}`, group: name })),
    ],
    listen: { port, address: host },
    seed: 'page',
    answerTimeoutMs,
  });
}

// The tour, as data: seven steps from "what is a session?" to "choose", each one experiment with
// real servers. What is right is not written here: an option is right when what was measured says
// so.

import type { LaneWish } from '../../src/api/contract.ts';
import type { Tally } from '../../src/api/stage.ts';
import type { OrderInLane } from './orders.ts';

export interface Act {
  readonly order: OrderInLane;
  /** What is done, for whoever watches. */
  readonly says: string;
  /** How long one looks at it before the next. */
  readonly thenMs?: number;
}

export interface TourLane extends Omit<LaneWish, 'answer'> {
  /** 'shared': Redis where there is one, else PostgreSQL. */
  readonly answer: 'token' | 'memory' | 'shared';
}

/** How the requests of the second part ended, in each lane, by its answer. */
export type Measured = Readonly<Record<TourLane['answer'], Tally>>;

export interface TourStep {
  readonly title: string;
  readonly says: readonly string[];
  readonly lanes: readonly TourLane[];
  readonly question: string;
  readonly options: Readonly<Record<string, string>>;
  /** Sets the scene; not measured. */
  readonly before: readonly Act[];
  /** What is measured. */
  readonly acts: readonly Act[];
  /** The name of the option that what was measured makes right; null for none of them. */
  readonly settle: (measured: Measured) => string | null;
  readonly because: readonly string[];
  readonly chapter: string;
}

const lookMs = 900;

const people = ['alice', 'bob', 'carol', 'dave'] as const;

function logIn(client: string): Act {
  const says = `${client} logs in`;
  return { order: { do: 'log-in', client, user: client }, says, thenMs: lookMs };
}

function request(client: string): Act {
  return { order: { do: 'request', client }, says: `${client} asks`, thenMs: lookMs };
}

function times(count: number, act: Act): readonly Act[] {
  return Array.from({ length: count }, () => act);
}

const killFirst: Act = {
  order: { do: 'kill', server: 's1' },
  says: 'server 1 is killed',
  thenMs: 1_600,
};

const startFirst: Act = {
  order: { do: 'start', server: 's1' },
  says: 'server 1 starts again',
  thenMs: 1_600,
};

const everybodyLogsIn = people.map(logIn);
const everybodyAsks = people.map(request);

/** All, none, or some of those who asked were known. */
function share({ known, nobody, another, refused, lost }: Tally): 'all' | 'none' | 'some' {
  const rest = nobody + another + refused + lost;
  if (rest === 0) return 'all';
  return known === 0 ? 'none' : 'some';
}

export const tour: readonly TourStep[] = [
  {
    title: 'What is a session?',
    says: [
      'Welcome to a laboratory with real servers and one question: when you have logged in on one server, how does the next one know you?',
      'A web server forgets. Every request comes by itself, and nothing in the network says who sent it.',
      'So when Alice logs in, the server writes down who she is, and gives her a number to show: a cookie. That note is her session.',
    ],
    lanes: [{ answer: 'memory', policy: 'round-robin', servers: 1 }],
    question: 'Alice logs in once, then asks three times. How often does the server know her?',
    options: {
      all: 'All three times',
      some: 'The first time only',
      none: 'Never: each request comes by itself',
    },
    before: [logIn('alice')],
    acts: times(3, request('alice')),
    settle: ({ memory }) => share(memory),
    because: [
      'Each request carried the cookie, and the server found it among its notes: look at what s1 remembers.',
      'The connection had no part in it. A session is a memory and something to show, nothing more.',
    ],
    chapter: 'docs/concepts/01-what-a-session-is.md',
  },
  {
    title: 'Two servers, each with its own memory',
    says: [
      'One server is not enough any more. A second one joins, and a gateway lets them take turns.',
      'Alice logs in once, and so does Bob. Whoever gets such a request writes the note, in its own memory.',
    ],
    lanes: [{ answer: 'memory', policy: 'round-robin', servers: 2 }],
    question: 'Alice asks six times. How often is she known?',
    options: {
      all: 'All six times: she has logged in',
      some: 'About every other time',
      none: 'Never again',
    },
    before: [logIn('alice'), logIn('bob')],
    acts: times(6, request('alice')),
    settle: ({ memory }) => share(memory),
    because: [
      'Only the server that made her session remembers it. Every other request met a server that had never heard of her, and said so.',
      'Stateful fails without affinity: with N servers, about one request in N finds the memory it needs.',
    ],
    chapter: 'docs/concepts/03-stateful-in-memory.md',
  },
  {
    title: 'Always the same server, until it dies',
    says: [
      'The gateway can help: it gives everybody a cookie of its own and sends them to the same server each time. That is affinity.',
      'Four people log in, and all are known. Then server 1 is killed.',
    ],
    lanes: [{ answer: 'memory', policy: 'sticky-cookie', servers: 2 }],
    question: 'All four ask again. Who is still logged in?',
    options: {
      all: 'Everybody: the other server takes over',
      some: 'Only who was on the other server',
      none: 'Nobody',
    },
    before: [...everybodyLogsIn, killFirst],
    acts: everybodyAsks,
    settle: ({ memory }) => share(memory),
    because: [
      'Affinity copies nothing. It hides that one server alone knows you, for as long as that one lives.',
      'What server 1 knew is gone, and would be after every restart, too.',
    ],
    chapter: 'docs/concepts/03-stateful-in-memory.md',
  },
  {
    title: 'Let the client carry the memory',
    says: [
      'Another answer: the server writes nothing down. It gives Alice a signed token that says who she is, and every server can check the signature.',
      'The same accident: four people log in, then server 1 is killed.',
    ],
    lanes: [{ answer: 'token', policy: 'round-robin', servers: 2 }],
    question: 'All four ask again. Who is still logged in?',
    options: {
      all: 'Everybody',
      some: 'Only who logged in on server 2',
      none: 'Nobody',
    },
    before: [...everybodyLogsIn, killFirst],
    acts: everybodyAsks,
    settle: ({ token }) => share(token),
    because: [
      'There was nothing to lose: the memory is in the hands of those who ask. Look at the servers, they remember nobody.',
      'Any number of servers can do this without asking anybody.',
    ],
    chapter: 'docs/concepts/02-stateless.md',
  },
  {
    title: 'The price: what is signed cannot be called back',
    says: [
      'Mallory copies what Alice carries. Alice notices, and logs out.',
      'In one lane she carries a token. In the other she has a session in a store that all servers share: a database, such as Redis or PostgreSQL.',
    ],
    lanes: [
      { answer: 'token', policy: 'round-robin', servers: 2 },
      { answer: 'shared', policy: 'round-robin', servers: 2 },
    ],
    question: 'Mallory tries the stolen copy after the logout. Where does it still work?',
    options: {
      token: 'With the token only',
      shared: 'With the shared store only',
      both: 'With both',
      neither: 'With neither',
    },
    before: [
      logIn('alice'),
      { order: { do: 'steal', client: 'alice' }, says: 'mallory copies it', thenMs: lookMs },
      { order: { do: 'log-out', client: 'alice' }, says: 'alice logs out', thenMs: lookMs },
    ],
    acts: times(3, request('mallory')),
    settle: ({ token, shared }) => {
      const [inToken, inShared] = [token, shared].map(({ intruded }) => intruded > 0);
      if (inToken && inShared) return 'both';
      return inToken ? 'token' : inShared ? 'shared' : 'neither';
    },
    because: [
      'The token still says “Alice”, and its signature is still right. No server asks anybody, so none can hear that it is over: it works until it expires.',
      'In the store, the session was deleted. The next server that asks finds nothing.',
    ],
    chapter: 'docs/concepts/06-revocation.md',
  },
  {
    title: 'A store that everybody asks',
    says: [
      'The third answer keeps the sessions in one place that all servers share. Any server may die: four people log in, server 1 is killed, all ask, and nobody notices. Then it starts again.',
      'But now everything hangs on the store. Next, it is the store that refuses every connection.',
    ],
    lanes: [{ answer: 'shared', policy: 'round-robin', servers: 2 }],
    question: 'All four ask once more. What do they get?',
    options: {
      known: 'Everything works on',
      nobody: 'All are logged out: nobody can be found',
      refused: '“Not now, try again”, and they stay logged in',
    },
    before: [
      ...everybodyLogsIn,
      killFirst,
      ...everybodyAsks,
      startFirst,
      { order: { do: 'refuse', link: 'store' }, says: 'the store refuses', thenMs: 1_600 },
    ],
    acts: everybodyAsks,
    settle: ({ shared }) => {
      const { known, nobody, refused } = shared;
      if (known > 0 && nobody + refused === 0) return 'known';
      return nobody > refused ? 'nobody' : 'refused';
    },
    because: [
      'While server 1 was dead, all were known. But a server that cannot ask the store does not know, and says so (503). It must not take anybody for nobody: that would log everybody out because of a broken wire.',
      'Pick the store on the stage, heal the way to it and let somebody ask: all are known again, with the same cookie.',
    ],
    chapter: 'docs/concepts/04-the-shared-store.md',
  },
  {
    title: 'Choose',
    says: [
      'Three answers, side by side. Four people log in everywhere; then server 1 is killed and started again, as in any update.',
    ],
    lanes: [
      { answer: 'token', policy: 'sticky-cookie', servers: 2 },
      { answer: 'memory', policy: 'sticky-cookie', servers: 2 },
      { answer: 'shared', policy: 'sticky-cookie', servers: 2 },
    ],
    question: 'Everybody asks once more. Where was somebody logged out?',
    options: {
      nowhere: 'Nowhere',
      memory: 'In memory only',
      token: 'With tokens only',
      everywhere: 'Everywhere',
    },
    before: [...everybodyLogsIn, killFirst, startFirst],
    acts: everybodyAsks,
    settle: ({ token, memory, shared }) => {
      const [t, m, s] = [token, memory, shared].map((tally) => share(tally) !== 'all');
      if (t && m && s) return 'everywhere';
      if (!t && !m && !s) return 'nowhere';
      if (m && !t && !s) return 'memory';
      return t && !m && !s ? 'token' : null;
    },
    because: [
      'One process, and logins that may be lost? Memory is hard to beat.',
      'A logout that may take minutes, and many services that must know the caller? A token.',
      'A logout that holds at once, on every server? A shared store, and you look after it.',
    ],
    chapter: 'docs/concepts/07-choosing.md',
  },
];

// The stateful server: it remembers everybody. At the login it makes a session and gives you its
// number, you bring the number with every request, and the server looks up who you are.
// Compare stateless.ts, which is this page with another memory.

import { session } from '../strategies/session.ts';
import { openAccounts, openStore, strategyOptions } from './serve.ts';
import { folder, openGround, present, registration } from './standalone.ts';

const ground = await openGround({ PORT: '3001', STRATEGY: 'session', STORE: 'memory' });
const { config } = ground;

// Names and passwords are in a database, and the database is asked when you log in.
const accounts = await openAccounts(config);

// Who is logged in, and what is in your cart: the store says so, and the server asks it at every
// request. With STORE=memory that is a table in this process, which no other server can see; with
// STORE=redis or STORE=postgres all servers ask the same one.
const store = await openStore(config);
const recogniser = await session.start(strategyOptions(config, { store }));

// The application is the same, whoever recognises you.
const shared = config.store !== 'memory';
await present(
  ground,
  { config, accounts, store, recogniser },
  {
    says: `The stateful server: it keeps the memory, in ${shared ? config.store : 'its own process'}`,
    command: `${shared ? `STORE=${config.store} ` : ''}npm run server:stateful`,
    otherPort: 3011,
    try: (here, there) => {
      const cookies = `${folder}/alice.cookies`;
      const logIn = `curl -s -c ${cookies} --json "$ALICE" ${here}/login`;
      const ask = `curl -s -b ${cookies}`;
      return {
        logIn: `${registration(here)}; ${logIn}`,
        ask: `${ask} ${here}/dashboard`,
        askTheOther: `${ask} ${there}/dashboard`,
      };
    },
    answer: shared
      ? 'It knows her: both servers ask the same store.'
      : 'It does not know her: her session is in the memory of the first server.',
  },
);

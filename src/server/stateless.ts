// The stateless server: it remembers nobody. At the login it signs a token that says who you are,
// you bring the token with every request, and a good signature is all the proof it asks for.
// Compare stateful.ts, which is this page with another memory.

import { token } from '../strategies/token.ts';
import { openAccounts, openKeys, openStore, strategyOptions } from './serve.ts';
import { openGround, present, registration } from './standalone.ts';

const ground = await openGround({ PORT: '3000', STRATEGY: 'token', STORE: 'postgres' });
const { config } = ground;

// Names and passwords are in a database, and the database is asked when you log in.
const accounts = await openAccounts(config);

// Who is logged in, and what is in your cart: the token says so, and you carry it. The server has
// one key, which signs tokens and checks them, so any server with this key knows you as well. Only
// what renews a token when it has run out, the refresh token, is kept in a table.
const [store, keys] = await Promise.all([openStore(config), openKeys(config)]);
const recogniser = await token.start(strategyOptions(config, { store, keys }));

// The application is the same, whoever recognises you.
await present(
  ground,
  { config, accounts, store, keys, recogniser },
  {
    says: 'The stateless server: you carry the memory, in a signed token',
    command: 'npm run server:stateless',
    otherPort: 3010,
    try: (here, there) => {
      const logIn = `curl -s --json "$ALICE" ${here}/login`;
      const token = `TOKEN=$(${logIn} | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/')`;
      const ask = 'curl -s -H "authorization: Bearer $TOKEN"';
      return {
        logIn: `${registration(here)}; ${token}`,
        ask: `${ask} ${here}/dashboard`,
        askTheOther: `${ask} ${there}/dashboard`,
      };
    },
    answer: 'It knows her: the token is good wherever the key is.',
  },
);

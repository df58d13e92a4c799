// One client: what it carries, and what it can be told to do, in this lane alone.

import { thief } from '../people.ts';
import { Detail, Do } from './inspector.tsx';
import type { OnStage } from './selection.ts';

export function ClientDetail({ on, name }: { readonly on: OnStage; readonly name: string }) {
  const client = on.view.value.clients.find((each) => each.name === name);
  if (client === undefined) return null;
  const { user, sess, stolenFrom } = client;
  const carries = stolenFrom === undefined ? `carries ${sess}` : `holds a copy of ${stolenFrom}'s`;
  const nothing = sess === null && stolenFrom === undefined;
  const lane = on.orders;
  return (
    <Detail on={on} title={name} says={nothing ? 'not logged in' : carries}>
      <div class="row">
        <Do lane={lane} order={{ do: 'log-in', client: name, user }} disabled={name === thief}>
          Log in
        </Do>
        <Do lane={lane} order={{ do: 'request', client: name }} disabled={nothing}>
          Send one
        </Do>
        {on.view.value.servers.slice(0, 4).map((server) => (
          <Do
            key={server.name}
            lane={lane}
            order={{ do: 'request', client: name, server: server.name }}
            disabled={nothing}
          >
            Send to {server.name}
          </Do>
        ))}
        <Do lane={lane} order={{ do: 'log-out', client: name }} disabled={nothing}>
          Log out
        </Do>
        <Do lane={lane} order={{ do: 'steal', client: name }} disabled={nothing || name === thief}>
          Steal its credential
        </Do>
      </div>
    </Detail>
  );
}

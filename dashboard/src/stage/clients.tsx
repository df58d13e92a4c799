// Who sends: a person each, with the login they carry. What they carry is where a token keeps its
// memory, so it is said in words. A crowd is drawn small.

import { useContext } from 'preact/hooks';
import type { ClientView } from '../../../src/api/contract.ts';
import { initialOf, personClass } from '../people.ts';
import { nodes } from './layout.ts';
import { isPicked, OnStageContext } from './selection.ts';

const crowdFrom = 8;
const { compare } = new Intl.Collator('en', { numeric: true });

export function Clients() {
  const on = useContext(OnStageContext);
  if (on === null) return null;
  const { clients, answer } = on.view.value;
  const isCrowd = clients.length >= crowdFrom;
  const inOrder = isCrowd
    ? clients.toSorted((one, other) => compare(one.name, other.name))
    : clients;
  return (
    <div class="column clients">
      <h3 class="unseen">clients</h3>
      {clients.length === 0 && <p class="label none">nobody yet</p>}
      <ul class={isCrowd ? 'crowd' : `spread of-${clients.length}`}>
        {inOrder.map((client) => (
          <li key={client.name}>
            <Client client={client} answer={answer} isSmall={isCrowd} />
          </li>
        ))}
      </ul>
    </div>
  );
}

interface ClientProps {
  readonly client: ClientView;
  readonly answer: string;
  readonly isSmall: boolean;
}

function Client({ client, answer, isSmall }: ClientProps) {
  const on = useContext(OnStageContext);
  if (on === null) return null;
  const carries = carried(client, answer);
  const picked = isPicked(on.picked.value, 'client', client.name);
  return (
    <button
      type="button"
      class={`node client ${personClass(client.user, client.name)} ${isSmall ? 'small' : ''} ${client.sess === null ? 'without' : ''}`}
      data-node={nodes.client(client.name)}
      aria-pressed={picked}
      title={`${client.name}: ${carries}`}
      onClick={() => {
        on.picked.value = picked ? null : { kind: 'client', name: client.name };
      }}
    >
      <span class="face" aria-hidden="true">
        {initialOf(client.name)}
      </span>
      <span class={isSmall ? 'unseen' : 'who'}>{client.name}</span>
      <span class={isSmall ? 'unseen' : 'carries label'}>{carries}</span>
    </button>
  );
}

function carried({ sess, stolenFrom }: ClientView, answer: string): string {
  if (stolenFrom !== undefined) return `copy of ${stolenFrom}'s`;
  if (sess === null) return 'not logged in';
  return answer.startsWith('token') ? `token ${sess}` : `cookie ${sess}`;
}

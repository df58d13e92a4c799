// The servers: a card each while there is room for words, else a tile each, and the words where one
// is picked.

import { useContext } from 'preact/hooks';
import type { ServerView } from '../../../src/api/contract.ts';
import { noTally, type ServerSeen } from '../../../src/api/stage.ts';
import { nodes } from './layout.ts';
import { isPicked, OnStageContext } from './selection.ts';
import { ServerCard } from './server-card.tsx';

/** More than this are tiles. */
const cardsMax = 6;

export function Servers() {
  const on = useContext(OnStageContext);
  if (on === null) return null;
  const { servers } = on.view.value;
  const isCrowd = servers.length > cardsMax;
  return (
    <div class="column servers-place">
      <h3 class="unseen">{servers.length === 1 ? '1 server' : `${servers.length} servers`}</h3>
      <ul
        class={isCrowd ? 'tiles' : `cards cards-${servers.length}`}
        {...(isCrowd && { 'data-node': nodes.crowd })}
      >
        {servers.map((server) => (
          <li key={server.name}>
            {isCrowd ? (
              <Tile server={server} seen={on.stage.value.servers.get(server.name)} />
            ) : (
              <ServerCard server={server} />
            )}
          </li>
        ))}
      </ul>
      {isCrowd && (
        <p class="label">
          The small number: how many sessions a server remembers. Green: it mostly knew who asked.
        </p>
      )}
    </div>
  );
}

interface TileProps {
  readonly server: ServerView;
  readonly seen: ServerSeen | undefined;
}

function Tile({ server, seen }: TileProps) {
  const on = useContext(OnStageContext);
  if (on === null) return null;
  const picked = isPicked(on.picked.value, 'server', server.name);
  const tally = seen?.tally ?? noTally;
  const refusals = tally.nobody + tally.intruded;
  const known = tally.known + tally.barred;
  const sign = { up: '', paused: '‖', down: '✕' }[server.state];
  const said = `${server.name}, ${server.state}, remembers ${server.remembersInAll}, knew ${known}, refused ${refusals}`;
  return (
    <button
      type="button"
      class={`node tile ${server.state} ${mood(known, refusals)}`}
      data-node={nodes.server(server.name)}
      aria-label={said}
      aria-pressed={picked}
      title={said}
      onClick={() => {
        on.picked.value = picked ? null : { kind: 'server', name: server.name };
      }}
    >
      <span>{server.name.replace(/^s/, '')}</span>
      <span class="sign">{sign || (server.remembersInAll > 0 ? server.remembersInAll : '')}</span>
    </button>
  );
}

/** What it mostly said so far; a tile has room for no more. */
function mood(known: number, refusals: number): string {
  if (known + refusals === 0) return '';
  return known >= refusals ? 'known' : 'nobody';
}

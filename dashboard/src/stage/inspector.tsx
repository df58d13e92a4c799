// All that is known of what was picked on the stage, and all that can be done to it. It stands
// under the stage, so that it hides nothing.

import type { ComponentChildren } from 'preact';
import { useContext, useEffect, useRef } from 'preact/hooks';
import type { LaneId, Order } from '../../../src/api/contract.ts';
import { choices } from '../live.ts';
import type { OrderInLane } from '../orders.ts';
import { give, underWay } from '../orders.ts';
import { isStill } from '../theme.ts';
import { Chips } from './chips.tsx';
import { ClientDetail } from './client-detail.tsx';
import { type OnStage, OnStageContext } from './selection.ts';
import { lifeOf, nothingIn, stateOf } from './server-card.tsx';
import { linkWords, storeVerb } from './store.tsx';

const rememberedMax = 24;

export function Inspector() {
  const on = useContext(OnStageContext);
  const picked = on?.picked.value;
  if (on === null || picked === null || picked === undefined) return null;
  if (picked.kind === 'server') return <ServerDetail on={on} name={picked.name} />;
  if (picked.kind === 'client') return <ClientDetail on={on} name={picked.name} />;
  return picked.kind === 'store' ? <StoreDetail on={on} /> : <GatewayDetail on={on} />;
}

interface DetailProps {
  readonly on: OnStage;
  readonly title: string;
  readonly says: string;
  readonly children?: ComponentChildren;
}

export function Detail({ on, title, says, children }: DetailProps) {
  const here = useRef<HTMLElement>(null);
  useEffect(() => {
    here.current?.scrollIntoView({ block: 'nearest', behavior: isStill.value ? 'auto' : 'smooth' });
  }, [title]);
  return (
    <section class="inspector" aria-label={title} ref={here}>
      <div class="row">
        <h3 class="mono">{title}</h3>
        <p class="quiet small">{says}</p>
        <button
          type="button"
          class="button plain push"
          aria-label={`Close ${title}`}
          onClick={() => {
            on.picked.value = null;
          }}
        >
          ✕
        </button>
      </div>
      {children}
    </section>
  );
}

interface DoProps {
  readonly lane: LaneId | undefined;
  readonly order: OrderInLane;
  readonly children: ComponentChildren;
  readonly disabled?: boolean;
}

/** A button that orders something in one lane; nothing where nothing can be ordered. */
export function Do({ lane, order, children, disabled }: DoProps) {
  if (lane === undefined) return null;
  return (
    <button
      type="button"
      class="button"
      disabled={disabled === true || underWay.value > 0}
      onClick={() => void give({ ...order, lane } as Order)}
    >
      {children}
    </button>
  );
}

function ServerDetail({ on, name }: { readonly on: OnStage; readonly name: string }) {
  const server = on.view.value.servers.find((each) => each.name === name);
  if (server === undefined) return null;
  const word = on.lastWords.value.get(name);
  const process = server.pid === null ? 'no process' : `process ${server.pid}`;
  const lane = on.orders;
  const isDown = server.state === 'down';
  const isPaused = server.state === 'paused';
  const link = { server: name };
  return (
    <Detail
      on={on}
      title={name}
      says={`${stateOf(server, on.view.value.store?.state) || 'up'} · ${lifeOf(server.incarnation)} · ${process}`}
    >
      <Chips
        remembers={server.remembers}
        inAll={server.remembersInAll}
        most={rememberedMax}
        isFull
        nothing={nothingIn(server, on.view.value)}
      />
      {word && <p class="small">{word.why}</p>}
      <fieldset class="row">
        <legend class="unseen">the process of {name}</legend>
        {isDown ? (
          <Do lane={lane} order={{ do: 'start', server: name }}>
            Start
          </Do>
        ) : (
          <>
            <Do lane={lane} order={{ do: 'kill', server: name }}>
              Kill
            </Do>
            <Do lane={lane} order={{ do: isPaused ? 'resume' : 'pause', server: name }}>
              {isPaused ? 'Resume' : 'Pause'}
            </Do>
            <Do lane={lane} order={{ do: 'restart', server: name }} disabled={isPaused}>
              Restart
            </Do>
          </>
        )}
        <Do
          lane={lane}
          order={{ do: 'remove', server: name }}
          disabled={on.view.value.servers.length < 2}
        >
          Remove
        </Do>
      </fieldset>
      <LinkActions lane={lane} link={link} says={`the way to ${name}`} state={server.link} />
    </Detail>
  );
}

interface LinkProps {
  readonly lane: LaneId | undefined;
  readonly link: { readonly server: string } | 'store';
  readonly says: string;
  readonly state: keyof typeof linkWords;
}

function LinkActions({ lane, link, says, state }: LinkProps) {
  if (lane === undefined) return null;
  return (
    <fieldset class="row">
      <legend class="label">{says}</legend>
      <Do lane={lane} order={{ do: 'cut', link }} disabled={state === 'cut'}>
        Cut
      </Do>
      <Do lane={lane} order={{ do: 'slow', link }} disabled={state === 'slow'}>
        Slow down
      </Do>
      <Do lane={lane} order={{ do: 'refuse', link }} disabled={state === 'refusing'}>
        Refuse
      </Do>
      <Do lane={lane} order={{ do: 'heal', link }} disabled={state === 'whole'}>
        Heal
      </Do>
    </fieldset>
  );
}

function StoreDetail({ on }: { readonly on: OnStage }) {
  const { store } = on.view.value;
  if (store === null) return null;
  const verb = storeVerb(on.view.value.answer);
  const says = linkWords[store.state] || 'every server asks it';
  return (
    <Detail on={on} title={store.kind} says={says}>
      <Chips
        remembers={store.remembers}
        inAll={store.remembersInAll}
        most={rememberedMax}
        isFull
        verb={verb}
        nothing={`${verb} nobody`}
      />
      <LinkActions lane={on.orders} link="store" says="the way to it" state={store.state} />
    </Detail>
  );
}

function GatewayDetail({ on }: { readonly on: OnStage }) {
  const { policy, gatewayUrl } = on.view.value;
  const says = choices.value?.policies.find(({ name }) => name === policy)?.says;
  return (
    <Detail on={on} title="gateway" says={says === undefined ? policy : `${policy}: ${says}`}>
      {gatewayUrl !== '' && (
        <p class="small">
          curl finds it at <code>{gatewayUrl}</code>
        </p>
      )}
      <div class="row">
        <Do lane={on.orders} order={{ do: 'add-server' }}>
          Add a server
        </Do>
      </div>
    </Detail>
  );
}

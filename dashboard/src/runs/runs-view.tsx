// Recorded runs: the list of them, or one of them under a slider.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { paths, type RecordedRun } from '../../../src/api/contract.ts';
import type { HistoryEvent } from '../../../src/core/history.ts';
import type { Verdict } from '../../../src/core/verdict.ts';
import { Lane } from '../lane.tsx';
import { ask, recordedRuns } from '../live.ts';
import { addresses } from '../route.ts';
import { Player } from './player.tsx';
import { ReplayState } from './replay-state.ts';

export function RunsView({ run }: { readonly run: string | null }) {
  return run === null ? <List /> : <Replay key={run} run={run} />;
}

function List() {
  const runs = useSignal<readonly RecordedRun[] | null>(null);
  const trouble = useSignal('');
  useEffect(() => {
    recordedRuns().then(
      (all) => {
        runs.value = all;
      },
      () => {
        trouble.value = 'The lab does not answer.';
      },
    );
  }, []);
  return (
    <div class="reading">
      <h1 class="asks">Recorded runs</h1>
      <p class="quiet">
        Every request of every run is written down. Open one to see it again, as slowly as you like.
      </p>
      {trouble.value && <p class="trouble">{trouble.value}</p>}
      {runs.value?.length === 0 && <p class="empty quiet">Nothing was recorded yet.</p>}
      <ul class="runs">
        {runs.value?.map((each) => (
          <Row key={each.id} run={each} />
        ))}
      </ul>
    </div>
  );
}

function Row({ run }: { readonly run: RecordedRun }) {
  const { id, name, at, asExpected, seed, servers, policy, requests } = run;
  return (
    <li>
      <a class="mono" href={addresses.run(id)}>
        {name}
      </a>
      <span class="label">
        <time dateTime={at}>
          {new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' })}
        </time>
        {` · ${counted(servers, 'server')}, ${policy} · ${counted(requests, 'request')}`}
        {isByHand(seed) ? '' : ` · seed ${seed}`}
      </span>
      {asExpected === null && <span class="small quiet">played by hand</span>}
      {asExpected === true && <span class="small verdict-word known">✓ as expected</span>}
      {asExpected === false && <span class="small verdict-word nobody">✗ unexpected</span>}
      {asExpected !== null && (
        <a class="small" href={reportAddress(id)} aria-label={`Report of ${name}`}>
          Report
        </a>
      )}
    </li>
  );
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
}

/** What is played by hand has no dice, and its seed is only called so. */
function isByHand(seed: string | undefined): boolean {
  return seed === 'by-hand';
}

function reportAddress(id: string): string {
  return `${paths.runs}/${encodeURIComponent(id)}/report`;
}

function Replay({ run }: { readonly run: string }) {
  const replay = useSignal<ReplayState | null>(null);
  const trouble = useSignal('');
  useEffect(() => {
    load(run).then(
      (loaded) => {
        replay.value = loaded;
      },
      () => {
        trouble.value = 'There is no such run, or the lab does not answer.';
      },
    );
  }, [run]);
  const { value } = replay;
  const header = value?.stage.value.run;
  return (
    <div class="sandbox">
      <div class="question">
        <div>
          <p class="label">
            <a href={addresses.runs}>Recorded runs</a> ·{' '}
            {isByHand(header?.seed) ? 'played by hand' : `seed ${header?.seed ?? '…'}`}
          </p>
          <h1 class="mono">{header?.id ?? run}</h1>
        </div>
        {header && !isByHand(header.seed) && (
          <a class="button" href={reportAddress(run)}>
            Open the report
          </a>
        )}
      </div>
      {trouble.value && <p class="trouble">{trouble.value}</p>}
      {value !== null && (
        <>
          <Lane shown={value} isLive={false} />
          <Player replay={value} />
        </>
      )}
    </div>
  );
}

async function load(run: string): Promise<ReplayState> {
  const base = `${paths.runs}/${encodeURIComponent(run)}`;
  const [history, verdicts] = await Promise.all([ask(`${base}/history`), ask(`${base}/verdicts`)]);
  const text = await history.text();
  const lines = text.split('\n').filter((line) => line !== '');
  const events = lines.map((line) => JSON.parse(line) as HistoryEvent);
  return new ReplayState(run, events, (await verdicts.json()) as readonly Verdict[]);
}

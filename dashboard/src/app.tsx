// The frame of the page: where one is and can go, and the view of that place.

import { useSignalEffect } from '@preact/signals';
import { standAgain } from './controls/sandbox-lanes.ts';
import { lanes, line } from './live.ts';
import { addresses, place, rememberVisit } from './route.ts';
import { RunsView } from './runs/runs-view.tsx';
import { Sandbox } from './sandbox.tsx';
import { nextWish, wish } from './theme.ts';
import { TourView } from './tour/tour-view.tsx';

const lineWords = { opening: 'connecting', open: 'live', broken: 'connection lost' } as const;
const wishWords = { system: 'Auto', light: 'Light', dark: 'Dark' } as const;

const places = [
  ['tour', addresses.tour(1), 'Tour'],
  ['sandbox', addresses.sandbox, 'Sandbox'],
  ['runs', addresses.runs, 'Recorded'],
] as const;

export function App() {
  useSignalEffect(() => {
    if (place.value.at !== 'tour') rememberVisit();
  });
  useSignalEffect(standAgain);
  const { at } = place.value;
  return (
    <>
      <button type="button" class="skip" onClick={skip}>
        Skip to the content
      </button>
      <header class="bar">
        <a class="mark" href={addresses.sandbox}>
          <Mark />
          <span>sessionlab</span>
        </a>
        <nav aria-label="Places">
          {places.map(([where, href, word]) => (
            <a key={where} href={href} {...(at === where && { 'aria-current': 'page' as const })}>
              {word}
            </a>
          ))}
        </nav>
        <p class={`line ${line.value}`} role="status">
          <span aria-hidden="true">{line.value === 'open' ? '●' : '○'}</span>{' '}
          <span>{lineWords[line.value]}</span>
        </p>
        <button type="button" class="button plain" onClick={nextWish}>
          <span class="unseen">Colours: </span>
          <span aria-hidden="true">◐</span>
          {wishWords[wish.value]}
        </button>
      </header>
      <main id="main" tabIndex={-1}>
        <View />
      </main>
    </>
  );
}

function View() {
  const { value } = place;
  if (value.at === 'tour') return <TourView step={value.step} />;
  if (value.at === 'runs') return <RunsView run={value.run} />;
  return <Sandbox lanes={lanes.value} />;
}

function skip(): void {
  document.getElementById('main')?.focus();
}

function Mark() {
  return (
    <svg viewBox="0 0 28 16" width="28" height="16" aria-hidden="true">
      <path d="M4 8h8M12 8l9-5M12 8l9 5" fill="none" stroke="currentColor" stroke-width="1.5" />
      <circle cx="4" cy="8" r="3.4" class="mark-client" />
      <circle cx="22.5" cy="3.4" r="2.9" class="mark-known" />
      <path d="M22.5 9.2l3.6 3.6-3.6 3.6-3.6-3.6z" class="mark-nobody" />
    </svg>
  );
}

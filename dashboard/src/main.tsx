// First light: proves the build.
import { render } from 'preact';
import { signal } from '@preact/signals';
import type { LaneView } from '../../src/api/contract.ts';
const s = signal<LaneView | null>(null);
const App = () => <p>{s.value?.id}</p>;
render(<App />, document.body);

// Where the page begins: it listens to the lab, and draws itself.

import './style/tokens.css';
import './style/base.css';
import './style/shell.css';
import './style/stage.css';
import './style/controls.css';
import './style/measures.css';
import './style/tour.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { listen } from './live.ts';

const page = document.getElementById('page');
if (page === null) throw new Error('index.html has no place for the page.');
listen();
render(<App />, page);

// A text to be read looks like the page it was opened from, light or dark.

import './style/tokens.css';
import './style/base.css';
import './style/document.css';
import './theme.ts';

// Reads the part of PromQL that our rules and our dashboard are written in, to see that they can be
// read at all, and which series they ask for. What it does not know is an error here.

/** One asking for series: the metric, and its labels with the values that are asked for. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly { readonly label: string; readonly value: string }[];
}

export interface Query {
  readonly selectors: readonly Selector[];
  /** The labels that series are grouped by. */
  readonly labels: readonly string[];
}

const token =
  /\s*("(?:[^"\\]|\\.)*"|[=!]~|[=!<>]=|\d+(?:\.\d+)?|[a-zA-Z_:][\w:]*|[-+*/<>=(){},]|\[[\w$]+\])/y;
const functions = ['rate', 'increase', 'histogram_quantile'];
const aggregations = ['sum', 'max', 'min', 'count'];
const operators = ['+', '-', '*', '/', '>', '<', '==', '!=', '>=', '<='];

/** @throws Error for what is no PromQL, or more of it than is understood here */
export function readPromql(text: string): Query {
  const tokens: string[] = [];
  token.lastIndex = 0;
  for (let end = 0; text.slice(end).trim() !== ''; end = token.lastIndex) {
    const found = token.exec(text)?.[1];
    if (found === undefined) throw new Error(`what is ${text.slice(end)}`);
    tokens.push(found);
  }
  const [selectors, labels]: [Selector[], string[]] = [[], []];
  const next = () => tokens.shift() ?? 'the end';
  const need = (...wanted: string[]) => {
    const found = next();
    if (!wanted.includes(found)) throw new Error(`${wanted.join(' or ')}, not ${found}: ${text}`);
    return found;
  };
  const list = (close: string, one: () => void) => {
    do one();
    while (need(',', close) === ',');
  };

  function expression(): void {
    operand();
    while (operators.includes(tokens[0] ?? '')) {
      next();
      operand();
    }
  }
  function operand(): void {
    const first = next();
    if (first === '(') {
      expression();
      need(')');
    } else if (/^[a-zA-Z_:]/.test(first)) {
      if (aggregations.includes(first)) aggregation();
      else if (functions.includes(first)) call(first);
      else selector(first);
    } else if (!/^\d/.test(first)) throw new Error(`a value, not ${first}: ${text}`);
  }
  function aggregation(): void {
    if (tokens[0] === 'by') {
      next();
      need('(');
      list(')', () => labels.push(next()));
    }
    need('(');
    expression();
    need(')');
  }
  function call(name: string): void {
    need('(');
    if (name === 'histogram_quantile') list(')', expression);
    else {
      selector(next());
      if (!next().startsWith('[')) throw new Error(`${name} of how long: ${text}`);
      need(')');
    }
  }
  function selector(metric: string): void {
    const matchers: { label: string; value: string }[] = [];
    if (tokens[0] === '{') {
      next();
      list('}', () => {
        const label = next();
        const isExact = need('=', '!=', '=~', '!~').length === 1;
        const value = JSON.parse(next());
        matchers.push({ label, value: isExact ? value : '' });
      });
    }
    selectors.push({ metric, matchers });
  }

  expression();
  if (tokens.length > 0) throw new Error(`too much: ${tokens.join(' ')} in ${text}`);
  return { selectors, labels };
}

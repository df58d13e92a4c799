// What was done last, and the command line that does the same; earlier ones on demand. Also the
// voice of the page: what an order did is told to whoever does not see it.

import { useSignal } from '@preact/signals';
import type { Order } from '../../../src/api/contract.ts';
import { awaited, type Done, done, last } from '../orders.ts';

const copiedMs = 1_500;

export function LastCommand() {
  const isOpen = useSignal(false);
  const newest = last.value;
  const patience = awaited.value && waiting(awaited.value);
  return (
    <div class="commands">
      <p class="unseen" role="status">
        {patience || said(newest)}
      </p>
      <div class="newest">
        {patience ? (
          <p class="command">{patience}</p>
        ) : newest === null ? (
          <p class="quiet small hint">The command line that does the same will stand here.</p>
        ) : (
          <Command done={newest} />
        )}
        {done.value.length > 1 && (
          <button
            type="button"
            class="button plain"
            aria-expanded={isOpen.value}
            onClick={() => {
              isOpen.value = !isOpen.value;
            }}
          >
            Earlier
          </button>
        )}
      </div>
      {isOpen.value && (
        <ol class="earlier" reversed>
          {done.value.slice(1).map((each) => (
            <li key={each.number}>
              <Command done={each} />
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

function said(newest: Done | null): string {
  if (newest === null) return '';
  return newest.did.ok ? newest.did.did : newest.did.why;
}

function waiting(order: Order): string {
  if ('client' in order) return `… ${order.client} waits for an answer, until somebody gives up`;
  return `… waiting for this to be done: ${order.do}`;
}

function Command({ done: { did } }: { readonly done: Done }) {
  const isCopied = useSignal(false);
  if (!did.ok) return <p class="command did nobody">✗ {did.why}</p>;
  const lines = did.command.split('\n');
  return (
    <div class="command">
      <span class="small did">{did.did}</span>
      <code title={did.command}>
        {lines[0]}
        {lines.length > 1 && ` … and ${lines.length - 1} more`}
      </code>
      {isSecureContext && (
        <button
          type="button"
          class="button plain"
          aria-label="Copy the command"
          onClick={() => {
            void navigator.clipboard.writeText(did.command).then(() => {
              isCopied.value = true;
              setTimeout(() => {
                isCopied.value = false;
              }, copiedMs);
            });
          }}
        >
          {isCopied.value ? 'Copied' : 'Copy'}
        </button>
      )}
    </div>
  );
}

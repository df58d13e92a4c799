// What a gateway's process and its parent tell one another over the IPC channel, and the process's
// side of it: it obeys, and ends with its parent, however that ends. SIGINT is ignored, because
// Ctrl-C reaches the whole group and the parent decides in what order things stop.

import type { GatewayOptions, Upstream } from './gateway.ts';

export type ToGateway =
  | { readonly t: 'start'; readonly options: GatewayOptions }
  | {
      readonly t: 'route';
      readonly id: number;
      readonly group: string;
      readonly upstreams: readonly Upstream[];
    }
  | { readonly t: 'reload'; readonly id: number };

export type FromGateway =
  | { readonly t: 'ready'; readonly port: number; readonly tlsPort: number | undefined }
  | { readonly t: 'done'; readonly id: number }
  /** Without an id: the gateway could not start. */
  | { readonly t: 'failed'; readonly id: number | undefined; readonly reason: string };

export interface Obedient {
  readonly port: number;
  readonly tlsPort: number | undefined;
  route(group: string, upstreams: readonly Upstream[]): void | Promise<void>;
  reload(): Promise<void>;
  /** Lets what is in flight finish, for a while. */
  close(): Promise<void>;
}

export function obeyParent(start: (options: GatewayOptions) => Promise<Obedient>): void {
  let gateway: Obedient | undefined;
  const open = async (options: GatewayOptions) => {
    const opened = await start(options);
    gateway = opened;
    const end = (code: number) => opened.close().finally(() => process.exit(code));
    process.once('SIGTERM', () => end(0));
    tell({ t: 'ready', port: opened.port, tlsPort: opened.tlsPort });
  };
  const obey = async (message: ToGateway) => {
    if (message.t === 'start') return open(message.options);
    if (message.t === 'route') await gateway?.route(message.group, message.upstreams);
    else await gateway?.reload();
    tell({ t: 'done', id: message.id });
  };
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => process.exit(1));
  process.on('message', (message: ToGateway) => {
    const id = message.t === 'start' ? undefined : message.id;
    obey(message).catch((error: Error) => tell({ t: 'failed', id, reason: error.message }));
  });
}

function tell(message: FromGateway): void {
  if (process.connected) process.send?.(message);
}

// The process that is nginx's parent, and obeys its own. Nothing that it makes is for others.

import { obeyParent } from '../orders.ts';
import { superviseNginx } from './supervisor.ts';

process.umask(0o077);
obeyParent(superviseNginx);

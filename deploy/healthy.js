// What the health checks of containers run, in place of curl: ends well if the address answers and
// does not say that it is out of order. `node healthy.js http://127.0.0.1:3000/health/ready`

const timeout = AbortSignal.timeout(2_000);
const answer = await fetch(process.argv[2], { redirect: 'manual', signal: timeout }).catch(
  () => {},
);
process.exit(answer !== undefined && answer.status < 500 ? 0 : 1);

// Loaded before a subject: tells the bench, when asked, how much CPU time the process has spent.

process.on('message', (message) => {
  if (message === 'cpu-time') process.send?.(process.cpuUsage());
});

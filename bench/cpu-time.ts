// Loaded before a subject: tells the bench, when asked, how much CPU time the process has spent and
// how much memory it has.

process.on('message', (message) => {
  if (message !== 'cpu-time') return;
  process.send?.({ ...process.cpuUsage(), rssBytes: process.memoryUsage.rss() });
});

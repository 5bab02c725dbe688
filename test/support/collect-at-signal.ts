// Loaded into a program whose memory is measured: its garbage is collected at SIGCONT, and only then. Collecting in between
// would be what its clients wait for.
process.on('SIGCONT', () => globalThis.gc?.());

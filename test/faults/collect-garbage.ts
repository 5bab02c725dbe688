// Loaded into a program whose memory is measured: without it what it grows by is garbage first of all.
const EVERY_MS = 3_000;

setInterval(() => globalThis.gc?.(), EVERY_MS).unref();

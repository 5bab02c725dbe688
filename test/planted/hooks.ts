// To be imported before a program: Node then loads it with the defect that the environment names.
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { plant, readDefect } from './plant.ts';

const defect = readDefect();

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    if (!url.startsWith('file:') || loaded.source == null) return loaded;
    const planted = plant(defect, fileURLToPath(url), loaded.source.toString());
    return planted === null ? loaded : { ...loaded, source: planted };
  },
});

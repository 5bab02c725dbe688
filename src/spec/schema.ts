// The whole spec: every field, and what must fit together across them. Builds the normalised `ServiceSpec`.
import type * as z from 'zod';
import type { RevisionSettings, ServiceSpec } from '../../strategies/spec.ts';
import { isServiceName } from '../store/keys.ts';
import { buildContainer, containerShape, port } from './container.ts';
import { addIssue, always, duration, field, integer, refused, section, word } from './fields.ts';
import { healthcheck } from './healthcheck.ts';
import { image } from './image.ts';
import { proxy } from './proxy.ts';
import { EVERY_ROUTE, routes } from './routes.ts';
import { rollback, strategy } from './strategy.ts';

const fields = section({
  service: field<string>('a service name: 1 to 40 of a-z, 0-9 and -', (raw) =>
    typeof raw === 'string' && isServiceName(raw) ? raw : refused,
  ).optional(),
  image,
  pull: word('missing', 'always', 'never').default('missing'),
  replicas: integer(0, 1000).default(1),
  port: port.optional(),
  protocol: word('http/1.1', 'h2c').default('http/1.1'),
  routes: routes.optional(),
  ...containerShape,
  healthcheck: healthcheck.prefault({}),
  strategy: strategy.prefault({}),
  rollback: rollback.prefault({}),
  drain_timeout: duration().default(30_000),
  proxy: proxy.prefault({}),
  history: integer(1, 1000).default(10),
});

type Fields = z.output<typeof fields>;

/** `service` is the name that the text gives itself, or null. */
export interface NamedSpec {
  readonly service: string | null;
  readonly spec: ServiceSpec;
}

export const specSchema = fields
  .superRefine((raw, context) => {
    if ('port' in raw) return;
    if ('routes' in raw) addIssue(context, ['routes'], 'routes without a port', '`port` beside them');
    if (raw.protocol === 'h2c') addIssue(context, ['protocol'], 'h2c without a port', '`port` beside it');
    for (const kind of ['http', 'tcp']) {
      if (raw.healthcheck?.probe?.kind !== kind) continue;
      addIssue(context, ['healthcheck', kind], `${kind} without a port`, '`port`, or another kind of check');
    }
  }, always)
  .superRefine((raw, context) => {
    const preview = raw.strategy.type === 'blue-green' ? raw.strategy.preview : null;
    if (preview === null) return;
    const path = ['strategy', 'preview'];
    if (raw.port === undefined) addIssue(context, path, 'a preview without a port', '`port` beside it');
    const isTold = preview.header !== undefined || preview.cookie !== undefined;
    if (!isTold && raw.routes?.some((rule) => rule.host === preview.host)) {
      addIssue(
        context,
        path,
        `${preview.host}, which is a route already`,
        'a host of its own, or a header or cookie',
      );
    }
  })
  .superRefine((raw, context) => {
    if (raw.port !== undefined || raw.strategy.type !== 'canary') return;
    for (const [index, step] of raw.strategy.steps.entries()) {
      if (step.kind !== 'weight' || (step.match === undefined && step.mirror === undefined)) continue;
      const path = ['strategy', 'steps', index];
      addIssue(context, path, 'a match or mirror without a port', '`port` beside the strategy');
    }
  })
  .transform((raw): NamedSpec => ({ service: raw.service ?? null, spec: buildSpec(raw) }));

function buildSpec(raw: Fields): ServiceSpec {
  return {
    image: raw.image,
    pull: raw.pull,
    replicas: raw.replicas,
    routes: raw.routes ?? (raw.port === undefined ? [] : EVERY_ROUTE),
    settings: { port: raw.port ?? null, ...buildProtocol(raw), container: buildContainer(raw) },
    strategy: raw.strategy,
    rollback: raw.rollback,
    drainTimeoutMs: raw.drain_timeout,
    proxy: raw.proxy,
    history: raw.history,
  };
}

/** HTTP/1.1 leaves no trace: revisions from before there was a choice are the same still. */
function buildProtocol({
  protocol,
  healthcheck,
}: Fields): Pick<RevisionSettings, 'protocol' | 'healthcheck'> {
  if (protocol !== 'h2c') return { healthcheck };
  const { probe } = healthcheck;
  return {
    protocol,
    healthcheck: probe.kind === 'http' ? { ...healthcheck, probe: { ...probe, protocol } } : healthcheck,
  };
}

// A question to the engine that can be taken back. dockerode's own methods for these four take no signal, or drop it.
import type Docker from 'dockerode';

/** `path` as the engine's API names it, without the version. */
export async function ask(docker: Docker, path: Question, abortSignal: AbortSignal): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const question = { path, method: 'GET', abortSignal, statusCodes: { 200: true, 404: 'no such object' } };
  docker.modem.dial(question, (error: unknown, reply: unknown) => {
    if (error == null) resolve(reply);
    else reject(error);
  });
  return await promise;
}

export type Question = '/version' | '/info' | `/images/${string}/json` | `/networks/${string}`;

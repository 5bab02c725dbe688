// The port from the control loop to the engine: look, act in the background, ask for words. Implemented in src/app over
// `deploy`; a fake in the tests.
import type { Action, ContainerState, ImageState, Revision, Trouble } from '../../strategies/model.ts';

export interface Engine {
  /** Every container of the service, as the engine has it now. Throws when the engine does not answer. */
  observe(service: string): Promise<readonly ContainerState[]>;
  /** It still takes new connections, and answers on them: throws when it does not. */
  confirm(): Promise<void>;
  /** Names of containers whose stop was sent and has not ended. */
  stopping(service: string): ReadonlySet<string>;
  troubles(service: string): readonly Trouble[];
  /** What they ran into is settled: a rollout has ended. */
  forgetTroubles(service: string): void;
  images(service: string): Readonly<Record<string, ImageState>>;
  /** Returns at once; idempotent while the same action is under way. Its end marks the service dirty. */
  execute(service: string, action: Action): void;
  /** The last lines of a container's log, oldest first; never throws, never takes longer than a second. */
  tailLog(containerId: string): Promise<readonly string[]>;
  /** Drops what is known of images that no rollout asks for any more. */
  keepImages(service: string, ids: readonly string[]): void;
  /**
   * Removes images that only these revisions ran; in the background, its end marks the service. Answers with the references
   * that are done with. Asked at every pass, with nothing to drop as well.
   */
  pruneImages(
    service: string,
    keep: readonly string[],
    drop: readonly Pick<Revision, 'image' | 'reference'>[],
  ): ReadonlySet<string>;
}

/** How a room in the main loop talks to its part in the worker thread. */

export interface Channel<To, From> {
  /** Whether there is a thread that takes what is posted; what is posted while there is none is lost. */
  readonly open: boolean;
  post(message: To): void;
  /** To be called once, before the thread is started. */
  serve(events: ChannelEvents<From>): void;
}

export type ChannelEvents<From> = {
  /** A thread has begun that knows nothing yet: the first one, or one after another that ended. */
  readonly began: () => void;
  /** It has ended, and what it owned is gone. Not when it is stopped. */
  readonly ended: () => void;
  readonly message: (message: From) => void;
};

/** A part of a worker thread for worker-thread.test.ts: "lag" is answered with the main loop's, "fail" ends the thread; when its channel closes it is done. */
import { workerData } from "node:worker_threads";
import { Pulse, type ThreadStart } from "../../src/thread/index.ts";

const { pulse, ports } = workerData as ThreadStart;
const port = ports["test"];
port?.on("message", (message: string) => {
  if (message === "fail") throw new Error("told to fail");
  port.postMessage({ lagMs: new Pulse(pulse).lagMs, isDead: new Pulse(pulse).isDead });
});

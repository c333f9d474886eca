/** The worker thread: its composition root. Each part answers to the room of its name in the main loop (src/thread/worker-thread.ts). */
import { workerData } from "node:worker_threads";
import { serveBfd } from "./bfd/thread.ts";
import { serveHellos } from "./liveness/thread.ts";
import { Pulse, type ThreadStart } from "./thread/index.ts";

const { pulse: shared, ports } = workerData as ThreadStart;
const pulse = new Pulse(shared);

if (ports["hello"] !== undefined) serveHellos(ports["hello"], pulse);
if (ports["bfd"] !== undefined) serveBfd(ports["bfd"], pulse);

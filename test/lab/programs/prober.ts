/**
 * A client that never stops asking: one short question every few milliseconds, each on its own, and a record of the times without an
 * answer. Its neighbour cache is warm because it never rests. Times are CLOCK_MONOTONIC, as the lab's.
 *
 * Usage: prober.ts '{"kind":"tcp","address":"10.7.0.240","port":80,"intervalMs":5,"timeoutMs":300}'
 * Says {"event":"answering"} and {"event":"silent"} when that changes, and {"event":"report"} after the line "stop" or the end of its input.
 */
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { ProbeEvent, ProbeReport, ProbeTarget, Silence } from "../prober.ts";
import { now } from "../time.ts";

const NOTICE_AFTER_MS = 100; // shorter silences are in the report only
const WORTH_A_LINE_MS = 40; // shorter ones are the prober's own jitter
const MOST_SILENCES = 1000;

const target = JSON.parse(process.argv[2] ?? "{}") as ProbeTarget;
const silences: Silence[] = [];
const delays: number[] = [];
const errors = new Map<string, number>();
let probes = 0;
let answers = 0;
const lost: number[] = []; // when they were asked
let pending = 0;
let stalledSinceAnswer = 0;
let lastAnswer: number | undefined;
let answering = false;
const ask = target.kind === "udp" ? udpAsker() : askByTcp;

function say(event: ProbeEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function answered(askedAt: number): void {
  const at = now();
  pending--;
  answers++;
  if (delays.length < 1_000_000) delays.push(at - askedAt);
  endSilence(at);
  const silentMs = lastAnswer === undefined ? undefined : at - lastAnswer;
  lastAnswer = at;
  if (!answering) {
    answering = true;
    say({ event: "answering", at, silentMs });
  }
}

function unanswered(askedAt: number, why: string): void {
  pending--;
  lost.push(askedAt);
  errors.set(why, (errors.get(why) ?? 0) + 1);
}

function endSilence(at: number): void {
  if (lastAnswer !== undefined && at - lastAnswer >= WORTH_A_LINE_MS && silences.length < MOST_SILENCES) {
    silences.push({ from: lastAnswer, to: at, ms: at - lastAnswer, lost: 0, stalledMs: stalledSinceAnswer });
  }
  stalledSinceAnswer = 0;
}

function askByTcp(): void {
  const askedAt = now();
  const socket = connect({ host: target.address, port: target.port });
  const late = setTimeout(() => {
    unanswered(askedAt, "timeout");
    socket.destroy();
  }, target.timeoutMs);
  socket.on("connect", () => {
    clearTimeout(late);
    answered(askedAt);
    socket.resetAndDestroy(); // leaves no TIME_WAIT behind
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    clearTimeout(late);
    unanswered(askedAt, error.code ?? error.message);
  });
}

function udpAsker(): () => void {
  const socket = createSocket(target.address.includes(":") ? "udp6" : "udp4");
  const questions = new Map<number, { readonly askedAt: number; readonly late: NodeJS.Timeout }>();
  let sequence = 0;
  socket.on("error", () => undefined);
  socket.on("message", (message) => {
    const number = message.readUInt32BE(0);
    const question = questions.get(number);
    if (question === undefined) return;
    questions.delete(number);
    clearTimeout(question.late);
    answered(question.askedAt);
  });
  return () => {
    const askedAt = now();
    const number = sequence++;
    const message = Buffer.alloc(4);
    message.writeUInt32BE(number);
    const late = setTimeout(() => {
      questions.delete(number);
      unanswered(askedAt, "timeout");
    }, target.timeoutMs);
    questions.set(number, { askedAt, late });
    socket.send(message, target.port, target.address);
  };
}

let due = now();
let stopping = false;
function tick(): void {
  if (stopping) return;
  const at = now();
  stalledSinceAnswer = Math.max(stalledSinceAnswer, at - due);
  if (answering && lastAnswer !== undefined && at - lastAnswer > NOTICE_AFTER_MS) {
    answering = false;
    say({ event: "silent", at: lastAnswer });
  }
  probes++;
  pending++;
  ask();
  due = Math.max(due + target.intervalMs, now());
  setTimeout(tick, Math.max(1, due - now()));
}

function report(): ProbeReport {
  delays.sort((a, b) => a - b);
  return {
    probes,
    answers,
    lost: lost.length,
    errors: Object.fromEntries(errors),
    silences: silences.map((silence) => ({ ...silence, lost: lost.filter((askedAt) => askedAt >= silence.from && askedAt <= silence.to).length })),
    longestSilenceMs: silences.reduce((most, silence) => Math.max(most, silence.ms), 0),
    delayMs: { median: delays[delays.length >> 1] ?? 0, p99: delays[Math.floor(delays.length * 0.99)] ?? 0 },
  };
}

createInterface({ input: process.stdin })
  .on("line", finish)
  .on("close", finish);

function finish(): void {
  if (stopping) return;
  stopping = true;
  endSilence(now());
  lastAnswer = undefined; // what still comes belongs to questions of before
  const whenAllIsKnown = (): void => {
    if (pending > 0) setTimeout(whenAllIsKnown, 10);
    else process.stdout.write(`${JSON.stringify({ event: "report", report: report() } satisfies ProbeEvent)}\n`, () => process.exit(0));
  };
  whenAllIsKnown();
}

tick();

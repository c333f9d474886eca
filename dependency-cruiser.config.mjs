// The import rules of the house (CONTRIBUTING.md has the picture). `npm run house` checks them.

/**
 * What each room may import by value.
 * @type {Record<string, string[]>}
 */
const VALUES = {
  net: [],
  time: [],
  log: [],
  wire: ["net"],
  config: ["net"],
  cluster: ["net"],
  linux: ["net", "time", "log"],
  kube: ["net", "time", "log", "config", "cluster"],
  ipam: ["net", "config", "cluster"],
  nodes: ["net", "time", "config", "cluster"],
  thread: ["time", "log"],
  fleet: ["net", "time", "config"],
  liveness: ["net", "time", "log", "wire", "linux", "thread"],
  l2: ["net", "time", "log", "wire", "linux"],
  bgp: ["net", "time", "log", "wire", "linux"],
  bfd: ["net", "time", "log", "wire", "linux", "thread"],
  plan: ["net", "config", "cluster"],
  admin: ["net", "time", "log"],
  cli: ["net", "config", "cluster", "kube", "ipam", "linux"],
};

/**
 * What it may import besides, as types only.
 * @type {Record<string, string[]>}
 */
const TYPES = {
  liveness: ["fleet"],
  plan: ["fleet", "nodes", "l2", "bgp", "bfd"],
  admin: ["plan", "fleet", "nodes", "l2", "bgp", "bfd", "config", "cluster", "kube", "ipam"],
  cli: ["admin"],
};

/** Rooms without sockets, files or processes: no module of Node's own. */
const PURE = ["net", "wire", "config", "cluster", "ipam", "plan", "fleet", "nodes", "time", "log"];

const rooms = Object.keys(VALUES);
/** @param {string[]} names */
const inRooms = (names) => `^src/(${names.join("|")})/`;

export default {
  forbidden: [
    { name: "no-cycle", severity: "error", from: {}, to: { circular: true } },
    { name: "not-found", severity: "error", from: {}, to: { couldNotResolve: true } },
    { name: "room-without-a-rule", severity: "error", from: { path: "^src/", pathNot: `^src/((${rooms.join("|")})/|(allocator|configuration|daemon|drain|hand-over|hosts|identity|kubernetes|last-good|last-leave|main|pipeline|planning|reload|report-sources|routing|run|segments|servers|view|worker)\\.ts$)` }, to: {} },
    { name: "face-only", severity: "error", from: { path: "^src/([^/]+)/" }, to: { path: "^src/[^/]+/", pathNot: ["^src/$1/", "^src/[^/]+/index\\.ts$"] } },
    { name: "face-only-from-the-root", severity: "error", from: { path: "^src/[^/]+\\.ts$", pathNot: "^src/worker\\.ts$" }, to: { path: "^src/[^/]+/", pathNot: "^src/[^/]+/index\\.ts$" } },
    // What a room does in the worker thread is in its thread.ts, so that the thread loads no more than that.
    { name: "face-only-from-the-worker", severity: "error", from: { path: "^src/worker\\.ts$" }, to: { path: "^src/[^/]+/", pathNot: ["^src/[^/]+/thread\\.ts$", "^src/(thread|time)/index\\.ts$"] } },
    { name: "pure", severity: "error", from: { path: inRooms(PURE) }, to: { dependencyTypes: ["core"] } },
    ...rooms.flatMap((room) => [
      {
        name: `${room}-imports`,
        severity: "error",
        from: { path: `^src/${room}/` },
        to: { path: "^src/", pathNot: inRooms([room, ...(VALUES[room] ?? []), ...(TYPES[room] ?? [])]) },
      },
      ...(TYPES[room]
        ? [
            {
              name: `${room}-types-only`,
              severity: "error",
              from: { path: `^src/${room}/` },
              to: { path: inRooms(TYPES[room]), dependencyTypesNot: ["type-only"] },
            },
          ]
        : []),
    ]),
  ],
  options: { tsPreCompilationDeps: true, tsConfig: { fileName: "tsconfig.json" }, doNotFollow: { path: "node_modules" } },
};

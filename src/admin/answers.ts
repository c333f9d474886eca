/** Which report answers which question of the socket for reports. */
import type { Reporter } from "./reporter.ts";
import type { Reports } from "./reports.ts";
import type { Answered } from "./socket.ts";

/** The answer to a path such as "/v1/vips"; undefined: there is no such path. */
export function answerFrom(reporter: Reporter, path: string, query: URLSearchParams): Answered {
  switch (path) {
    case "/v1/status":
      return { report: reporter.status() };
    case "/v1/vips":
      return { rows: reporter.vips() };
    case "/v1/explain":
      return reportOr(reporter.explain(query.get("target") ?? ""));
    case "/v1/hosts":
      return { report: reporter.hosts() };
    case "/v1/pools":
      return { report: reporter.pools() };
    case "/v1/bgp/peers":
      return reportOr(reporter.peers(query.get("target") ?? undefined));
    case "/v1/bfd":
      return { report: reporter.bfd() };
    case "/v1/bgp/routes": {
      const found = reporter.routes(query.get("target") ?? undefined);
      return typeof found === "string" ? { error: found } : { rows: found };
    }
    default:
      return undefined;
  }
}

/** A sentence instead of a report says why there is none. */
function reportOr(found: Reports[keyof Reports] | string): Answered {
  return typeof found === "string" ? { error: found } : { report: found };
}

/** [[bfd]]: how the path to a peer is watched. Pure. */
import { ownName } from "./names.ts";
import { key, required, table } from "./table.ts";
import { boolean, duration, integer } from "./value.ts";

const detection = duration({ least: "10ms", most: "60s" });

export const BFD = table({
  path: "bfd",
  kind: "many",
  doc: "A profile of bidirectional forwarding detection (RFC 5880), by which the path to a peer is watched.",
  keys: {
    name: required({ type: ownName, example: "fast", doc: "Name of the profile, unique without regard to case." }),
    receive_interval: key({ type: detection, default: "300ms", example: "300ms", doc: "Shortest time between two control packets that we can take." }),
    transmit_interval: key({ type: detection, default: "300ms", example: "300ms", doc: "Shortest time between two control packets that we send." }),
    detect_multiplier: key({ type: integer(2, 255), default: 3, example: 3, doc: "Packets of ours that the peer must miss for the path to be down." }),
    echo_mode: key({ type: boolean, default: false, example: false, doc: "Whether the path is also tested by packets that the peer's forwarding sends back; to adjacent peers over IPv4 only." }),
    echo_interval: key({ type: detection, default: "50ms", example: "50ms", doc: "Time between two echo packets." }),
    passive_mode: key({ type: boolean, default: false, example: false, doc: "Whether we wait for the peer to begin." }),
    minimum_ttl: key({ type: integer(1, 254), default: 254, example: 254, doc: "Least TTL of a packet over several hops; over one it is always 255." }),
  },
});

/** The log lines that an operator will want explained, in the words of the log; <what differs> is put in brackets. Pure. */

export type Diagnostic = { readonly line: string; readonly meaning: string };

export const DIAGNOSTICS: readonly Diagnostic[] = [
  {
    line: "<host> is dead on <interface>: silent for <n> ms while it served <n VIPs>",
    meaning: "Another host was not heard for three hellos, and the network did not answer for it either. Its VIPs are taken by others within the same second. If it happens to a host that runs, its main loop was stalled or hellos are lost on the way: look at its own log at that time.",
  },
  {
    line: "took <address> on <interface> from <host>: <why>",
    meaning: "This host answers for the address from now on. `it is dead` and `it is leaving` are fail-over and hand-over; `this host comes first` is failback, which `failback = \"never\"` in `[fleet]` turns off.",
  },
  {
    line: "rank <n> on <interface>: <reason>",
    meaning: "How fit this host says it is: 3 eligible, 2 on probation after a start or a return, 1 doubtful, 0 never. The highest rank that is present serves. The reason says what to mend; `bmlb hosts` shows all ranks.",
  },
  {
    line: "drained, but no other host takes over: this one goes on answering for <n VIPs>",
    meaning: "No other host stands for them, or is fit to: look at `bmlb hosts` and `bmlb explain` before this one is switched off.",
  },
  {
    line: "leaves its routes with the peers that keep them until it is back",
    meaning: "The daemon restarts, and these peers have `graceful_restart`: nothing is withdrawn. If it does not come back within that time, they drop the routes.",
  },
  {
    line: "<address> is used on <interface> by <MAC>, which is no host of the fleet",
    meaning: "Somebody else answers ARP or NDP for an address of a pool, or asks in its name. The same stands in an Event of the Service. Find the machine by its MAC address and take the address from it, or take it out of the pool. On a node it may be kube-proxy in IPVS mode without strictARP, or another load balancer.",
  },
  {
    line: "another machine on <interface> has this host's name",
    meaning: "Two hosts of the fleet have the same name, often because one was cloned. Give one of them another name in `[host]`. Until then the one that started last serves nothing.",
  },
  {
    line: "<interface> and <interface> are one segment; only <interface> is used",
    meaning: "This host hears its own hellos on another of its interfaces. Name the one that is meant in `interfaces` of `[[l2]]`.",
  },
  {
    line: "a datagram from <address> on <interface> is signed with another key: give that host the same Secret bmlb-fleet or key_file",
    meaning: "Hellos are signed as soon as there is a key, and the two hosts do not have the same one. They do not hear each other, and each must take the other for absent.",
  },
  {
    line: "frames cannot be captured; trying again",
    meaning: "The interface cannot be opened for ARP and NDP. As a user of its own bmlb needs CAP_NET_RAW, which the unit of the package gives it; start it by systemd.",
  },
  {
    line: "more frames come than can be handled; some were thrown away",
    meaning: "There is more ARP and NDP on the segment than this host can take. Addresses answer late; look for a loop or a scan in the network.",
  },
  {
    line: "the cluster is not known yet, neither from the API nor from the cache: nothing is announced until the API has answered",
    meaning: "A first start without the API. Look for the line that says why the API cannot be had.",
  },
  {
    line: "the API server at <server> refused our credentials (401 <message>): check <credential>",
    meaning: "The token or certificate in the kubeconfig is wrong, expired or was deleted. Addresses go on answering; new Services get none. Make the kubeconfig again, see `EXAMPLES`; it is read anew without a restart.",
  },
  {
    line: "the API server at <server> does not allow us to <what> (403)",
    meaning: "The account lacks a right. Apply the manifests of this version: `bmlb rbac | kubectl apply -f -`.",
  },
  {
    line: "Service <namespace/name> gets no address: <why>",
    meaning: "The same stands in an Event of the Service: `kubectl describe service` <name>. Either no pool is for it, or the pools are full, or it asks for an address that it cannot have.",
  },
  {
    line: "the address of Service <namespace/name> could not be written: <why>",
    meaning: "With 422 and the name of a policy, a pool was changed since `bmlb rbac -c` was applied: run it again.",
  },
  {
    line: "peer <name> refuses connections at <address>: start BGP there, and let it accept this host",
    meaning: "Nothing listens on the router's port. Every line about a peer says what to do at which end; `bmlb bgp peers` shows the last one of each.",
  },
  {
    line: "peer <name> refused our AS <asn>: enter <asn> as the AS of this neighbor there, or set asn or local_asn here to what it expects",
    meaning: "The two configurations do not agree on the number of our autonomous system.",
  },
  {
    line: "no answer from peer <name> at <address>: check the way there",
    meaning: "Packets to the router are lost. With a password the cause is mostly that the two ends do not have the same one, as either end then drops what it receives. With a password even a router without BGP does not seem to refuse.",
  },
  {
    line: "session with peer <name> is up; if routes do not show there, its import policy may drop them (RFC 8212)",
    meaning: "Said once for each external peer. FRR, BIRD, OpenBGPD and IOS XR take nothing from an external neighbor without a policy that lets it in. `bmlb bgp routes` shows what was sent.",
  },
  {
    line: "peer <name> closed the session because we announce more prefixes than <limit>: raise its limit, or set max_prefixes below it",
    meaning: "The router has a maximum of prefixes for this neighbor. Raise it there.",
  },
  {
    line: "BFD with peer <name> is down: <why>",
    meaning: "The path to the router is broken, or the router is. The session of BGP ends with it and is tried again every few seconds. `bmlb bfd` shows both ends. If it comes and goes on a good path, the intervals are too short for this host or the router: see `bmlb check`.",
  },
  {
    line: "BFD with peer <name> is down: the peer has switched it off, which is no failure of the path",
    meaning: "Somebody has shut BFD down at the router, or it is being restarted. BGP goes on, and the path is not watched until it is switched on again.",
  },
  {
    line: "another program on this host, most likely a BFD daemon, has UDP port <port>: stop it",
    meaning: "Only one BFD daemon can listen on a host. With FRR set `bfdd=no` in `/etc/frr/daemons`; with BIRD remove `protocol bfd`. BGP goes on without BFD.",
  },
  {
    line: "no session with peer <name>: no router advertises itself on interface <interface>",
    meaning: "An unnumbered peer is known by its Router Advertisements, and none came. In FRR `neighbor <interface> interface remote-as external` turns them on there; with BIRD it takes a `protocol radv`.",
  },
  {
    line: "aggregate <prefix> is not announced: the unreachable route that it needs takes CAP_NET_ADMIN, which the drop-in for gateways gives",
    meaning: "Without that route, traffic for unused addresses of the aggregate would run in circles between the router and this host. Enable the drop-in with the command that the line ends with, or announce single addresses.",
  },
  {
    line: "another program has removed the unreachable route of aggregate <prefix>; it is put back",
    meaning: "Something on this host cleans the routing table. Find it: for a few seconds each time, traffic for unused addresses of the aggregate ran in circles.",
  },
  {
    line: "peer <name> gets no more than <n> <family> routes (max_prefixes), and new ones are held back: raise it, after the limit of the router",
    meaning: "`max_prefixes` of the peer is reached. What was announced stays; what comes later waits until something goes, and `bmlb explain` names it. Raise the limit of the router, then `max_prefixes`; a reload applies it without a reset.",
  },
  {
    line: "another bmlb runs on this host and listens on <socket>; two would claim each other's VIPs, so this one ends",
    meaning: "Stop the other one first: `systemctl stop bmlb`.",
  },
  {
    line: "this host has no [host] node, and this version of bmlb does not carry traffic from a gateway to the cluster",
    meaning: "Set `node` in `[host]` to the name that `kubectl get nodes` shows for this host. On a gateway, routes to the workers are yours to make.",
  },
  {
    line: "bmlb ends because of a defect of its own; please report this line",
    meaning: "systemd starts it again, and other hosts take over meanwhile. The line has all that is needed to find the defect.",
  },
];

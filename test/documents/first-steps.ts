/** The commands of the README that a newcomer copies. A block says in its first line to which ways it belongs, and where it is typed. */

/** Who types: as root on each node, where kubectl works, or on any machine of the network. */
export type Seat = "nodes" | "kubectl" | "client";

export type Step = { readonly seat: Seat; readonly text: string };

/** The blocks of one way, in order. */
export function firstSteps(readme: string, way: "first-steps-l2" | "first-steps-bgp"): readonly Step[] {
  return Array.from(readme.matchAll(/^```sh ([^\n]+)\n(.*?)^```$/gms), ([, words = "", text = ""]) => ({ words: words.split(" "), text }))
    .filter(({ words }) => words.includes(way))
    .map(({ words, text }) => ({ seat: words.at(-1) as Seat, text }));
}

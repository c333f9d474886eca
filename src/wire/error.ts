/** The one error of wire/: octets that are not what their protocol says. */

export class WireError extends Error {
  /** "ARP", "NDP", "hello", "BGP": what the octets should have been. */
  readonly protocol: string;

  constructor(protocol: string, problem: string) {
    super(`${protocol}: ${problem}`);
    this.name = "WireError";
    this.protocol = protocol;
  }
}

/** Sends one datagram. Usage: node forger.ts FAMILY SOURCE TTL ADDRESS PORT HEX */
import { createSocket } from "node:dgram";

const [family, source, ttl, to, port, hex = ""] = process.argv.slice(2);
const socket = createSocket(family === "ipv6" ? "udp6" : "udp4");
socket.bind(0, source, () => {
  socket.setTTL(Number(ttl));
  socket.send(Buffer.from(hex, "hex"), Number(port), to, (error) => {
    if (error !== null) throw error;
    socket.close();
  });
});

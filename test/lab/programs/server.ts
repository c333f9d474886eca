/**
 * What stands behind a VIP: a web server that answers every request with one text, and on the same UDP port an echo.
 * Usage: server.ts '{"address":"::","port":8080,"body":"…"}'. Says "listening" when both are up.
 */
import { createSocket } from "node:dgram";
import { createServer } from "node:http";

const options = JSON.parse(process.argv[2] ?? "{}") as { readonly address: string; readonly port: number; readonly body: string };

const web = createServer((request, response) => {
  response.setHeader("x-client", request.socket.remoteAddress ?? "");
  response.end(options.body);
});
web.keepAliveTimeout = 0;
const echo = createSocket(options.address.includes(":") ? "udp6" : "udp4");
echo.on("message", (message, from) => {
  echo.send(message, from.port, from.address);
});
web.listen({ host: options.address, port: options.port, backlog: 1024 }, () => {
  echo.bind(options.port, options.address, () => {
    console.log("listening");
  });
});

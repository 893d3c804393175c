import { GatewayError } from '../base/errors.js';
import { DatagramSocket } from '../media/embedded/transport/datagram-socket.js';
import {
  listenText,
  plainAddress,
  type TurnErrorInfo,
  type TurnListenAddress,
  type TurnListener,
  type TurnListenerHandlers,
} from './listener.js';

/** Clients over UDP: each datagram is one message. */
export async function listenUdp(listen: TurnListenAddress, handlers: Pick<TurnListenerHandlers, 'onMessage'>): Promise<TurnListener> {
  const { host, port } = listen;
  const socket = await DatagramSocket.bind(host, port, (datagram, remote) => {
    handlers.onMessage(datagram, {
      id: `udp ${bound.port} ${remote.address} ${remote.port}`,
      address: plainAddress(remote.address),
      port: remote.port,
      isStream: false,
      send: (bytes) => socket?.send(bytes, bytes.length, remote.port, remote.address),
    });
  });
  if (socket === undefined) {
    throw new GatewayError<TurnErrorInfo>(
      { code: 'turn-listen-failed', listen: listenText(listen) },
      `cannot listen on ${listenText(listen)}: the port is taken or needs privileges; see media.turn.embedded.listen`,
    );
  }
  const bound = { ...listen, port: socket.port };
  return { address: bound, connections: 0, close: () => socket.close() };
}

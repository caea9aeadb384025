/** The UDP transport, wired: what it binds, whom it lets in, and what reads and writes its datagrams. */
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import { AckSerializer, DatagramDeserializer } from './ingest/datagram.codec.js';
import type { SourceRegistry } from './sources/registry.js';
import { parseAllowList } from './transport/allow-list.js';
import { UdpServer, type UdpServerOptions } from './transport/udp.server.js';

/** @throws Error with a sentence for the operator when the allow-list is wrong */
export function udpServer(
  config: Config,
  clock: Clock,
  sources: SourceRegistry,
  watching: Required<Pick<UdpServerOptions, 'recent' | 'meter'>>,
): UdpServer {
  const { list, faults } = parseAllowList(config.udpAllowedSources ?? undefined);
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return new UdpServer({
    bind: config.udpHosts.map((host) => ({ host, port: config.reportPort })),
    ...{ allowed: list, clock, deserializer: new DatagramDeserializer(sources), serializer: new AckSerializer() },
    maxDatagramBytes: config.udpDatagramBytesMax,
    ...{ receiveBufferBytes: config.udpReceiveBufferBytes, ...watching },
  });
}

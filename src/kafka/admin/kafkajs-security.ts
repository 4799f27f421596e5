import { connect as connectPlain } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ISocketFactory, KafkaConfig } from "kafkajs";
import type { Mechanism } from "../security/mechanism.ts";
import type { Security } from "../security/security.ts";
import { tlsOptions } from "../security/tls-socket.ts";

/** The same certificates and credentials for the control plane, by the same code. */
export function kafkajsSecurity({ tls, mechanism }: Security): Partial<KafkaConfig> {
  const socketFactory: ISocketFactory = ({ host, port, onConnect }) => {
    const socket =
      tls === null
        ? connectPlain({ host, port }, onConnect)
        : connectTls(tlsOptions({ host, port }, tls.context, tls.verifyHost), onConnect);
    socket.setKeepAlive(true);
    return socket;
  };
  return {
    socketFactory,
    ssl: tls !== null,
    // Late: a broker takes a renewal within a second of the last for a request out of place.
    reauthenticationThreshold: 300,
    ...(mechanism === null ? {} : { sasl: saslOf(mechanism) }),
  };
}

function saslOf(mechanism: Mechanism): NonNullable<KafkaConfig["sasl"]> {
  return {
    mechanism: mechanism.name,
    authenticationProvider: ({ saslAuthenticate }) => ({
      authenticate: async () => {
        const exchange = await mechanism.begin();
        for (let said: Buffer | null = exchange.first; said !== null; ) {
          const bytes: Buffer = said;
          const challenge = await saslAuthenticate<Buffer>({
            request: { encode: () => withLength(bytes) },
            response: { decode: (raw) => raw.subarray(4), parse: (data) => data },
          });
          said = await exchange.next(challenge ?? Buffer.alloc(0));
        }
      },
    }),
  };
}

/** kafkajs takes and gives the bytes of a message behind their length. */
function withLength(bytes: Buffer): Buffer {
  const framed = Buffer.alloc(4 + bytes.length);
  framed.writeInt32BE(bytes.length, 0);
  bytes.copy(framed, 4);
  return framed;
}
